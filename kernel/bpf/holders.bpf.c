// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The holders of DMA-BUFs: every descriptor of every table, and every mapping.
 *
 * Kernel: kernel/bpf/task_iter.c, since 5.8. A task that shares its leader's
 * table is passed over by the iterator itself; one whose leader has exited is
 * not, so that a table may come once per thread.
 */
#include "common.h"

static __always_inline void put_descriptor(struct seq_file *seq, struct task_struct *task,
					   __u32 fd, const struct file *file)
{
	struct dmabuf_bpf_reference record = { .head.kind = DMABUF_BPF_DESCRIPTOR };

	/* An O_PATH descriptor is a file of its own. The iterator holds the file. */
	if (file->f_mode & FMODE_PATH)
		record.head.flags = DMABUF_BPF_PATH;
	else
		record.buffer.count = references_to(file, 1);
	record.holder.set = opaque(address_of(task->files, seq));
	record.holder.item = fd;
	put_reference(seq, &record, task, file);
}

SEC("iter/task_file")
int descriptors(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (begins(ctx->meta, file))
		put_header(seq, DMABUF_BPF_DESCRIPTOR);
	if (!task || !file)
		put_end(seq);
	else if (is_dmabuf(file))
		put_descriptor(seq, task, ctx->fd, file);
	return 0;
}

static __always_inline void put_mapping(struct seq_file *seq, struct task_struct *task,
					const struct vm_area_struct *vma)
{
	struct dmabuf_bpf_reference record = { .head.kind = DMABUF_BPF_MAPPING };
	__u64 space = address_of(task->mm, seq);

	record.holder.set = opaque(space);
	record.holder.item = opaque(space ^ vma->vm_start << 8);
	record.holder.mapped_bytes = vma->vm_end - vma->vm_start;
	record.buffer.count = references_to(vma->vm_file, 0);
	put_reference(seq, &record, task, vma->vm_file);
}

SEC("iter/task_vma")
int mappings(struct bpf_iter__task_vma *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;

	if (begins(ctx->meta, vma))
		put_header(seq, DMABUF_BPF_MAPPING);
	if (!task || !vma)
		put_end(seq);
	else if (vma->vm_file && is_dmabuf(vma->vm_file))
		put_mapping(seq, task, vma);
	return 0;
}
