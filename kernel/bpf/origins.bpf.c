// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The maker of each DMA-BUF, and the devices attached to it: noted when it
 * happens, dropped when it ends, handed out by iterators over the notes.
 *
 * Kernel: drivers/dma-buf/dma-buf.c, dma_buf_export(), dma_buf_release(),
 * dma_buf_dynamic_attach() and dma_buf_detach(). dma_buf_getfile() and
 * dma_heap_buffer_alloc() are inlined in some kernels, and no tracepoint tells
 * of a release.
 *
 * A hidden address is the key of a note: before 5.18 two buffers can share an inode. The
 * kernel may use the memory of a note for another one at any time, also while an
 * iterator looks at it (kernel/bpf/hashtab.c), so each has a checksum.
 *
 * The kernel leaves out a run of a program that another task was preempted in on
 * the same processor (kernel/bpf/trampoline.c). So each program is there twice,
 * with a mark of its own: an event is missed where both are left out.
 *
 * Where the kernel attaches no such programs, kprobes do the same, once each.
 */
#include "common.h"
#include "watch.h"

#define E2BIG 7				/* include/uapi/asm-generic/errno-base.h */
#define ENOENT 2
#define MAX_ERRNO 4095			/* include/linux/err.h */

const volatile struct dmabuf_bpf_watching watching SEC(".rodata.watching") = {};
struct dmabuf_bpf_state state SEC(".bss.watch") = {};
struct dmabuf_bpf_watchers watchers SEC(".bss.watchers") = {};
struct dmabuf_bpf_passages passages SEC(".bss.passages") = {};

/* Without preallocation: an unused element takes no memory. The loader sets the room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct dmabuf_bpf_kept_origin);
} watch_made SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct dmabuf_bpf_kept_attachment);
} watch_attached SEC(".maps");

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

static __always_inline __u64 check_of(const void *record, int bytes)
{
	const __u64 *words = record;
	__u64 check = 0x736e696769726f21ULL;

#pragma unroll
	for (int i = 0; i < bytes / 8; ++i) {
		check = (check ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		check ^= check >> 32;
	}
	return check;
}

/*
 * BPF_ANY: a note that is there under this number is of a buffer or an
 * attachment that is gone, whose end was missed.
 */
static __always_inline void enter(enum dmabuf_bpf_watcher self, void *map,
				  struct dmabuf_bpf_counters *counters, const __u64 *number,
				  const void *kept)
{
	int done;			/* before 6.4 the helpers give 32 bits, and no sign above */

	count(&counters->begun);
	done = bpf_map_update_elem(map, number, kept, BPF_ANY);
	if (done == -E2BIG)
		count(&counters->no_room[self]);
	else if (done)
		count(&counters->failed_entries[self]);
	count(&counters->finished);
}

/* A buffer from before the watch, or for which there was no room, has no note. */
static __always_inline void drop(enum dmabuf_bpf_watcher self, void *map,
				 struct dmabuf_bpf_counters *counters, const __u64 *number)
{
	int done;

	count(&counters->begun);
	done = bpf_map_delete_elem(map, number);
	if (done && done != -ENOENT)
		count(&counters->failed_removals[self]);
	count(&counters->finished);
}

static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->cgroups))
		return 0;
	return task->cgroups->dfl_cgrp->kn->id;
}

static __always_inline void put_actor(struct dmabuf_bpf_actor *actor, struct task_struct *task)
{
	const struct task_struct *leader = task->group_leader;

	actor->tgid = task->tgid;
	actor->tid = task->pid;
	actor->uid = task->cred->euid.val;
	actor->start_ns = leader->start_boottime;
#pragma unroll
	for (int i = 0; i < 16; ++i) {
		actor->comm[i] = leader->comm[i];
		actor->thread_comm[i] = task->comm[i];
	}
}

static __always_inline bool is_error(const void *pointer)
{
	return !pointer || (unsigned long)pointer >= (unsigned long)-MAX_ERRNO;
}

/* How a program is run: with pointers whose types the verifier knows, or at a kprobe with addresses. */
enum way {
	BY_TYPES,
	BY_ADDRESSES,
};

/* `object->member`. Of an address that cannot be read it is 0. */
#define GET(way, object, member) ({				\
	typeof((object)->member) value_ = 0;			\
	if ((way) == BY_TYPES)					\
		value_ = (object)->member;			\
	else							\
		bpf_core_read(&value_, sizeof(value_), &(object)->member);	\
	value_;							\
})

/*
 * The distance from the state, which stays where it is as long as the notes do.
 * The verifier takes the difference of two pointers for a number, but no
 * pointer; and it takes a pointer from no address, unless it was stored.
 */
static __always_inline __u64 number_of(enum way way, const void *object)
{
	const char *address = object, *base = (const char *)&state;

	if (way == BY_ADDRESSES) {
		if (!state.base)
			state.base = (__u64)&state;
		return (__u64)object - *(const volatile __u64 *)&state.base;
	}
	barrier_var(address);
	barrier_var(base);
	return address - base;
}

/* A buffer is told by its dentry, which is all that its release has of a known type. */
static __always_inline __u64 number_of_buffer(enum way way, struct file *file)
{
	return number_of(way, GET(way, file, f_path.dentry));
}

/*
 * Whether the other of the two programs was here. An inode that comes back, before
 * 5.18, tells no buffer from one whose end was missed: there it is noted again.
 */
static __always_inline bool is_noted(const __u64 *number, __u64 inode)
{
	const struct dmabuf_bpf_kept_origin *kept;

	if (!(watching.flags & DMABUF_BPF_INODES_IN_ORDER))
		return false;
	kept = bpf_map_lookup_elem(&watch_made, number);
	return kept && kept->record.inode == inode;
}

static __always_inline void note_export(enum way way, enum dmabuf_bpf_watcher self,
					struct dma_buf *dmabuf)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct dmabuf_bpf_kept_origin made = {};
	struct dmabuf_bpf_origin *record = &made.record;
	struct super_block *superblock;
	struct inode *inode;
	struct file *file;
	__u64 number;

	if (is_error(dmabuf))
		return;
	file = GET(way, dmabuf, file);
	inode = GET(way, file, f_inode);
	number = number_of_buffer(way, file);
	record->inode = GET(way, inode, i_ino);
	if (is_noted(&number, record->inode))
		return;
	superblock = GET(way, inode, i_sb);
	record->head = (struct dmabuf_bpf_head){ sizeof(*record), DMABUF_BPF_ORIGIN, 0 };
	record->buffer = number;
	record->size_bytes = GET(way, dmabuf, size);
	record->device = GET(way, superblock, s_dev);
	record->made_ns = bpf_ktime_get_boot_ns();
	record->cgroup = cgroup_of(task);
	put_actor(&record->maker, task);
	made.check = check_of(record, sizeof(*record));
	enter(self, &watch_made, &state.counters[DMABUF_BPF_OF_BUFFERS], &number, &made);
}

SEC("fexit/dma_buf_export")
int watch_export(const __u64 *ctx)
{
	note_export(BY_TYPES, DMABUF_BPF_FIRST, (struct dma_buf *)ctx[1]);
	return 0;
}

SEC("fexit/dma_buf_export")
int watch_export_2(const __u64 *ctx)
{
	note_export(BY_TYPES, DMABUF_BPF_SECOND, (struct dma_buf *)ctx[1]);
	return 0;
}

static __always_inline void drop_buffer(enum way way, enum dmabuf_bpf_watcher self,
					const struct dentry *dentry)
{
	__u64 number = number_of(way, dentry);

	drop(self, &watch_made, &state.counters[DMABUF_BPF_OF_BUFFERS], &number);
}

SEC("fentry/dma_buf_release")
int watch_release(const __u64 *ctx)
{
	drop_buffer(BY_TYPES, DMABUF_BPF_FIRST, (const struct dentry *)ctx[0]);
	return 0;
}

SEC("fentry/dma_buf_release")
int watch_release_2(const __u64 *ctx)
{
	drop_buffer(BY_TYPES, DMABUF_BPF_SECOND, (const struct dentry *)ctx[0]);
	return 0;
}

static __always_inline __u32 put_device(char to[64], const struct device *device)
{
	const char *name = NULL;

	if (!settings.read_names ||
	    bpf_core_read(&name, sizeof(name), &device->init_name) ||
	    (!name && bpf_core_read(&name, sizeof(name), &device->kobj.name)) ||
	    bpf_probe_read_kernel_str(to, 64, name) < 0)
		return DMABUF_BPF_UNNAMED_DEVICE;
	return 0;
}

static __always_inline void note_attachment(enum way way, enum dmabuf_bpf_watcher self,
					    struct dma_buf *dmabuf, const struct device *device,
					    const struct dma_buf_attachment *attachment)
{
	struct dmabuf_bpf_kept_attachment noted = {};
	struct dmabuf_bpf_attachment *record = &noted.record;
	struct super_block *superblock;
	struct inode *inode;
	struct file *file;

	if (is_error(attachment))
		return;
	file = GET(way, dmabuf, file);
	inode = GET(way, file, f_inode);
	superblock = GET(way, inode, i_sb);
	record->head = (struct dmabuf_bpf_head){ sizeof(*record), DMABUF_BPF_ATTACHMENT,
						 put_device(record->attached_to, device) };
	record->attachment = number_of(way, attachment);
	record->buffer = number_of_buffer(way, file);
	record->inode = GET(way, inode, i_ino);
	record->size_bytes = GET(way, dmabuf, size);
	record->device = GET(way, superblock, s_dev);
	record->attached_ns = bpf_ktime_get_boot_ns();
	put_actor(&record->importer, (struct task_struct *)bpf_get_current_task_btf());
	noted.check = check_of(record, sizeof(*record));
	enter(self, &watch_attached, &state.counters[DMABUF_BPF_OF_ATTACHMENTS],
	      &record->attachment, &noted);
}

/* Both note it: an attachment has no number of its own that tells it from an earlier one. */
SEC("fexit/dma_buf_dynamic_attach")
int watch_attach(const __u64 *ctx)
{
	note_attachment(BY_TYPES, DMABUF_BPF_FIRST, (struct dma_buf *)ctx[0],
			(const struct device *)ctx[1],
			(const struct dma_buf_attachment *)ctx[4]);
	return 0;
}

SEC("fexit/dma_buf_dynamic_attach")
int watch_attach_2(const __u64 *ctx)
{
	note_attachment(BY_TYPES, DMABUF_BPF_SECOND, (struct dma_buf *)ctx[0],
			(const struct device *)ctx[1],
			(const struct dma_buf_attachment *)ctx[4]);
	return 0;
}

static __always_inline void drop_attachment(enum way way, enum dmabuf_bpf_watcher self,
					    const struct dma_buf_attachment *attachment)
{
	__u64 number = number_of(way, attachment);

	drop(self, &watch_attached, &state.counters[DMABUF_BPF_OF_ATTACHMENTS], &number);
}

SEC("fentry/dma_buf_detach")
int watch_detach(const __u64 *ctx)
{
	drop_attachment(BY_TYPES, DMABUF_BPF_FIRST, (const struct dma_buf_attachment *)ctx[1]);
	return 0;
}

SEC("fentry/dma_buf_detach")
int watch_detach_2(const __u64 *ctx)
{
	drop_attachment(BY_TYPES, DMABUF_BPF_SECOND, (const struct dma_buf_attachment *)ctx[1]);
	return 0;
}

/*
 * The same by kprobes. The kernel runs no program of theirs while another one, or a
 * call of bpf(2) on a map, is under way on that processor: a second program would
 * be left out with the first one. It runs none at the return of a task for which it
 * had no room, beside as many others inside: passages are counted.
 *
 * Kernel: kernel/trace/bpf_trace.c, trace_call_bpf(); kernel/kprobes.c,
 * pre_handler_kretprobe().
 */
/* A register, read on its own: a program may add no variable to the pointer to its context. */
#define REGISTER(registers, name) ({			\
	__u64 value_ = (registers)->name;		\
	barrier_var(value_);				\
	(void *)value_;					\
})

static __always_inline void *argument(const void *ctx, bool second)
{
	const struct pt_regs___x86 *x86 = ctx;
	const struct pt_regs___arm64 *arm64 = ctx;

	if (bpf_core_field_exists(x86->di))
		return second ? REGISTER(x86, si) : REGISTER(x86, di);
	return second ? REGISTER(arm64, regs[1]) : REGISTER(arm64, regs[0]);
}

static __always_inline void *returned(const void *ctx, enum dmabuf_bpf_watched what)
{
	const struct pt_regs___x86 *x86 = ctx;
	const struct pt_regs___arm64 *arm64 = ctx;

	count(&passages.returned[what]);
	if (bpf_core_field_exists(x86->ax))
		return REGISTER(x86, ax);
	return REGISTER(arm64, regs[0]);
}

SEC("kprobe/dma_buf_export")
int probe_export_entry(const void *ctx __attribute__((unused)))
{
	count(&passages.entered[DMABUF_BPF_OF_BUFFERS]);
	return 0;
}

SEC("kretprobe/dma_buf_export")
int probe_export(const void *ctx)
{
	note_export(BY_ADDRESSES, DMABUF_BPF_FIRST, returned(ctx, DMABUF_BPF_OF_BUFFERS));
	return 0;
}

SEC("kprobe/dma_buf_release")
int probe_release(const void *ctx)
{
	drop_buffer(BY_ADDRESSES, DMABUF_BPF_FIRST, argument(ctx, false));
	return 0;
}

SEC("kprobe/dma_buf_dynamic_attach")
int probe_attach_entry(const void *ctx __attribute__((unused)))
{
	count(&passages.entered[DMABUF_BPF_OF_ATTACHMENTS]);
	return 0;
}

SEC("kretprobe/dma_buf_dynamic_attach")
int probe_attach(const void *ctx)
{
	struct dma_buf_attachment *attachment = returned(ctx, DMABUF_BPF_OF_ATTACHMENTS);

	if (!is_error(attachment))
		note_attachment(BY_ADDRESSES, DMABUF_BPF_FIRST, GET(BY_ADDRESSES, attachment, dmabuf),
				GET(BY_ADDRESSES, attachment, dev), attachment);
	return 0;
}

SEC("kprobe/dma_buf_detach")
int probe_detach(const void *ctx)
{
	drop_attachment(BY_ADDRESSES, DMABUF_BPF_FIRST, argument(ctx, true));
	return 0;
}

/*
 * Run by the loader once the programs above are attached: finds their
 * statistics, and begins the watch unless an earlier version of them has.
 *
 * Kernel: kernel/bpf/prog_iter.c, since 5.9; missed runs are counted since 5.12.
 */
static __always_inline void find_statistics(const struct bpf_prog *prog)
{
	__u32 id = prog->aux->id;

#pragma unroll
	for (int i = 0; i < 8; ++i)
		if (id == watchers.ids[i] && bpf_core_field_exists(prog->stats))
			bpf_core_read(&watchers.stats[i], sizeof(watchers.stats[i]), &prog->stats);
}

static __always_inline void begin_watch(void)
{
	__u64 last_inode = 0;

	state.base = (__u64)&state;
	if (state.since_ns)
		return;
	state.first_inode = DMABUF_BPF_UNKNOWN;
	if (settings.read_names && watching.inode_counter &&
	    !bpf_probe_read_kernel(&last_inode, sizeof(last_inode), (const void *)watching.inode_counter))
		state.first_inode = last_inode + 1;
	state.since_ns = bpf_ktime_get_boot_ns();
}

SEC("iter/bpf_prog")
int watch_begin(struct bpf_iter__bpf_prog *ctx)
{
	const struct bpf_prog *prog = ctx->prog;

	if (!prog)
		begin_watch();
	else if (settings.read_names)
		find_statistics(prog);
	return 0;
}

static __always_inline long read_misses(__u64 *misses, const void *stats)
{
	const struct bpf_prog_stats___before_5_16 *before = stats;
	const struct bpf_prog_stats___since_5_16 *since = stats;

	if (bpf_core_field_exists(since->misses))
		return bpf_core_read(misses, sizeof(*misses), &since->misses);
	if (bpf_core_field_exists(before->misses))
		return bpf_core_read(misses, sizeof(*misses), &before->misses);
	return -1;
}

/* Verified once, on its own: the loop over processors is long on large machines. */
__noinline __u64 misses_of(__u64 stats)
{
	__u64 offset = 0, misses = 0, sum = 0;

	if (!settings.read_names || !stats || !watching.per_cpu_offset)
		return DMABUF_BPF_UNKNOWN;
	for (__u32 i = 0; i < watching.cpus; ++i) {
		if (bpf_probe_read_kernel(&offset, sizeof(offset),
					  (const void *)(watching.per_cpu_offset + i * sizeof(offset))))
			return DMABUF_BPF_UNKNOWN;
		if (read_misses(&misses, (const void *)(stats + offset)))
			return DMABUF_BPF_UNKNOWN;
		sum += misses;
	}
	return sum;
}

/* Of two numbers of which one may be unknown. */
static __always_inline __u64 sum_of(__u64 one, __u64 other)
{
	return one == DMABUF_BPF_UNKNOWN || other == DMABUF_BPF_UNKNOWN ? DMABUF_BPF_UNKNOWN
									: one + other;
}

/* Events of one kind that no program was run for, at most: as often as the one was left out that
 * was left out less.
 */
static __always_inline __u64 misses_by_types(int which)
{
	__u64 first = misses_of(watchers.stats[which]);
	__u64 second = misses_of(watchers.stats[which + 4]);

	return first < second ? first : second;
}

/* The same by kprobes: entries that did not return, and those that may not have been seen. */
static __always_inline __u64 misses_by_probes(int which)
{
	__u64 returned, entered;

	if (which & 1)
		return misses_of(watchers.stats[which]);
	/* In this order: a task that is inside meanwhile counts as missed. */
	returned = *(const volatile __u64 *)&passages.returned[which / 2];
	entered = *(const volatile __u64 *)&passages.entered[which / 2];
	return sum_of(misses_of(watchers.stats[which + 4]),
		      entered > returned ? entered - returned : 0);
}

static __always_inline __u64 all_misses(__u64 earlier, int which)
{
	bool by_probes = watching.flags & DMABUF_BPF_BY_PROBES;

	return sum_of(earlier, by_probes ? misses_by_probes(which) : misses_by_types(which));
}

static __always_inline __u64 larger(__u64 one, __u64 other)
{
	return one > other ? one : other;
}

static __always_inline void put_watch(struct seq_file *seq, enum dmabuf_bpf_watched what)
{
	const struct dmabuf_bpf_counters *counters = &state.counters[what];
	/* In this order: a finished change had begun. A processor may load the latter first. */
	__u64 finished = *(const volatile __u64 *)&counters->finished;
	__u64 begun = *(const volatile __u64 *)&counters->begun;
	struct dmabuf_bpf_watch record = {
		.head = { sizeof(record), DMABUF_BPF_WATCH, watching.flags },
		.since_ns = state.since_ns,
		.first_inode = state.first_inode,
		.room = watching.room,
		.begun = larger(begun, finished),
		.finished = finished,
		.no_room = larger(counters->no_room[0], counters->no_room[1]),
		.failed_entries = larger(counters->failed_entries[0], counters->failed_entries[1]),
		.failed_removals =
			larger(counters->failed_removals[0], counters->failed_removals[1]),
		.missed_begins = all_misses(counters->earlier_missed_begins, 2 * what),
		.missed_ends = all_misses(counters->earlier_missed_ends, 2 * what + 1),
	};

	bpf_seq_write(seq, &record, sizeof(record));
}

static __always_inline void put_begin(struct bpf_iter__bpf_map_elem *ctx, __u32 content,
				      enum dmabuf_bpf_watched what)
{
	if (!begins(ctx->meta, ctx->value))
		return;
	put_header(ctx->meta->seq, content);
	put_watch(ctx->meta->seq, what);
}

static __always_inline void put_last(struct seq_file *seq, enum dmabuf_bpf_watched what)
{
	put_watch(seq, what);
	put_end(seq);
}

/*
 * Whether the note outlived its buffer, whose release was missed. Memory of the
 * kernel that is something else by now is read as well, and does not fit.
 */
static __always_inline bool is_left_over(__u64 buffer, __u64 of_inode)
{
	const struct dentry *dentry = (const void *)(buffer + state.base);
	const struct inode *inode = NULL;
	unsigned long number = 0;

	if (!settings.read_names || !state.base)
		return false;
	return bpf_core_read(&inode, sizeof(inode), &dentry->d_inode) ||
	       bpf_core_read(&number, sizeof(number), &inode->i_ino) || number != of_inode;
}

/* Of a note that another one is being written over nothing is handed out: the counters tell. */
static __always_inline void put_origin(struct seq_file *seq,
				       const struct dmabuf_bpf_kept_origin *kept)
{
	struct dmabuf_bpf_kept_origin copy = *kept;

	barrier();
	if (copy.check != check_of(&copy.record, sizeof(copy.record)) ||
	    is_left_over(copy.record.buffer, copy.record.inode))
		return;
	copy.record.buffer = opaque(copy.record.buffer);
	bpf_seq_write(seq, &copy.record, sizeof(copy.record));
}

SEC("iter/bpf_map_elem")
int origins(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	const void *kept = ctx->value;

	put_begin(ctx, DMABUF_BPF_ORIGIN, DMABUF_BPF_OF_BUFFERS);
	if (kept)
		put_origin(seq, kept);
	else
		put_last(seq, DMABUF_BPF_OF_BUFFERS);
	return 0;
}

static __always_inline void put_attachment(struct seq_file *seq,
					   const struct dmabuf_bpf_kept_attachment *kept)
{
	struct dmabuf_bpf_kept_attachment copy = *kept;

	barrier();
	if (copy.check != check_of(&copy.record, sizeof(copy.record)) ||
	    is_left_over(copy.record.buffer, copy.record.inode))
		return;
	copy.record.attachment = opaque(copy.record.attachment);
	copy.record.buffer = opaque(copy.record.buffer);
	bpf_seq_write(seq, &copy.record, sizeof(copy.record));
}

SEC("iter/bpf_map_elem")
int attachments(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	const void *kept = ctx->value;

	put_begin(ctx, DMABUF_BPF_ATTACHMENT, DMABUF_BPF_OF_ATTACHMENTS);
	if (kept)
		put_attachment(seq, kept);
	else
		put_last(seq, DMABUF_BPF_OF_ATTACHMENTS);
	return 0;
}
