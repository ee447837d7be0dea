/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The parts that the three programs share. */
#ifndef DMABUF_BPF_COMMON_H
#define DMABUF_BPF_COMMON_H

#include "kernel_types.h"
#include "records.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define DMA_BUF_MAGIC 0x444d4142	/* include/uapi/linux/magic.h */
#define FMODE_PATH 0x4000		/* include/linux/fs.h */

/* include/linux/proc_ns.h */
#define PROC_USER_INIT_INO 0xeffffffdU
#define PROC_PID_INIT_INO 0xeffffffcU
#define PROC_TIME_INIT_INO 0xeffffffaU

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Written by the loader; read-only and known to the verifier from then on. */
const volatile struct dmabuf_bpf_settings settings SEC(".rodata.settings") = {};

static __always_inline bool is_dmabuf(const struct file *file)
{
	return file->f_inode->i_sb->s_magic == DMA_BUF_MAGIC;
}

/*
 * Kernel addresses must not leave the kernel, but two tables must be told
 * apart: SipHash-1-3 of one word, with the loader's secret.
 */
struct sip {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 rotate(__u64 word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static __always_inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static __always_inline __u64 opaque(__u64 word)
{
	struct sip s = {
		.v0 = settings.secret[0] ^ 0x736f6d6570736575ULL,
		.v1 = settings.secret[1] ^ 0x646f72616e646f6dULL,
		.v2 = settings.secret[0] ^ 0x6c7967656e657261ULL,
		.v3 = settings.secret[1] ^ 0x7465646279746573ULL ^ word,
	};

	sip_round(&s);
	s.v0 ^= word;
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/*
 * The verifier lets a program with CAP_PERFMON subtract pointers, but not hash
 * one. The seq_file's own file is the same during one walk, so the difference
 * tells tables apart as well.
 */
static __always_inline __u64 address_of(const void *object, struct seq_file *seq)
{
	const char *reference = (const char *)seq->file;
	const char *address = object;

	barrier_var(reference);
	barrier_var(address);
	return address - reference;
}

/* A walk begins with its first object, or ends without one. */
static __always_inline bool begins(const struct bpf_iter_meta *meta, const void *object)
{
	return object ? meta->seq_num == 0 : meta->seq->index == 0;
}

static __always_inline __u32 foreign_namespaces(void)
{
	struct task_struct *reader = (struct task_struct *)bpf_get_current_task_btf();
	__u32 foreign = 0;

	if (reader->thread_pid->level != 0)
		foreign |= DMABUF_BPF_IN_PID_NAMESPACE;
	if (reader->cred->user_ns->ns.inum != PROC_USER_INIT_INO)
		foreign |= DMABUF_BPF_IN_USER_NAMESPACE;
	if (bpf_core_field_exists(struct nsproxy, time_ns) &&
	    reader->nsproxy->time_ns->ns.inum != PROC_TIME_INIT_INO)
		foreign |= DMABUF_BPF_IN_TIME_NAMESPACE;
	return foreign;
}

static __always_inline void put_header(struct seq_file *seq, __u32 content)
{
	struct dmabuf_bpf_header header = {
		.head = { sizeof(header), DMABUF_BPF_HEADER, foreign_namespaces() },
		.magic = DMABUF_BPF_MAGIC,
		.version = DMABUF_BPF_VERSION,
		.content = content,
	};

	if (!settings.read_names)
		header.head.flags |= DMABUF_BPF_NO_NAMES;
	bpf_seq_write(seq, &header, sizeof(header));
}

static __always_inline void put_end(struct seq_file *seq)
{
	struct dmabuf_bpf_head end = { sizeof(end), DMABUF_BPF_END, 0 };

	bpf_seq_write(seq, &end, sizeof(end));
}

/*
 * The name belongs to the buffer's name_lock, which a program cannot take:
 * DMA_BUF_SET_NAME may free it meanwhile. Then the pointer is another one
 * afterwards, and the name counts as not read.
 */
static __always_inline __u32 describe(struct dmabuf_bpf_buffer *to, char name[32],
				      const struct dma_buf *dmabuf)
{
	const char *exporter = NULL, *first = NULL, *again = NULL;
	long length;

	if (!settings.read_names)
		return DMABUF_BPF_UNDESCRIBED;
	if (bpf_core_read(&exporter, sizeof(exporter), &dmabuf->exp_name) ||
	    bpf_probe_read_kernel_str(to->exporter, sizeof(to->exporter), exporter) < 0 ||
	    bpf_core_read(&first, sizeof(first), &dmabuf->name))
		return DMABUF_BPF_UNDESCRIBED;
	if (!first)
		return 0;
	length = bpf_probe_read_kernel_str(name, 32, first);
	if (bpf_core_read(&again, sizeof(again), &dmabuf->name) || again != first ||
	    length < 1 || length > 32) {
		__builtin_memset(name, 0, 32);
		return DMABUF_BPF_UNDESCRIBED;
	}
	to->name_bytes = length - 1;
	return DMABUF_BPF_NAMED;
}

/* The references to a file without the iterator's own; 0 is not told. */
static __always_inline __u32 references_to(const struct file *file, long own)
{
	const struct file___since_6_13 *since = (const void *)file;
	const struct file___before_6_13 *before = (const void *)file;
	long count;

	if (bpf_core_field_exists(since->f_ref))
		count = since->f_ref.refcnt.counter + 1;
	else
		count = before->f_count.counter;
	count -= own;
	return count > 0 && count <= 0xffffffff ? count : 0;
}

/* Whole eights, so that the next record is aligned. */
static __always_inline __u32 length_with_name(__u32 fixed, __u32 name_bytes)
{
	return fixed + ((name_bytes + 7) & 0x38);
}

static __always_inline void put_reference(struct seq_file *seq, struct dmabuf_bpf_reference *record,
					  struct task_struct *task, const struct file *file)
{
	const struct task_struct *leader = task->group_leader;
	const struct inode *inode = file->f_inode;
	struct dmabuf_bpf_holder *holder = &record->holder;

	holder->tgid = task->tgid;
	holder->tid = task->pid;
	holder->uid = leader->cred->euid.val;
	holder->start_ns = leader->start_boottime;
#pragma unroll
	for (int i = 0; i < 16; ++i)
		holder->comm[i] = leader->comm[i];
	record->buffer.inode = inode->i_ino;
	record->buffer.size_bytes = inode->i_size;
	record->buffer.device = inode->i_sb->s_dev;
	/* An O_PATH descriptor has no private_data, but the same dentry (dma_buf_export()). */
	record->head.flags |= describe(&record->buffer, record->name,
				       file->f_path.dentry->d_fsdata);
	record->head.length =
		length_with_name(__builtin_offsetof(struct dmabuf_bpf_reference, name),
				 record->buffer.name_bytes);
	bpf_seq_write(seq, record, record->head.length & 0xff);
}

#endif
