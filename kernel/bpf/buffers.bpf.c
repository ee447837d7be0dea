// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Every DMA-BUF there is, whoever holds it.
 *
 * Kernel: kernel/bpf/dmabuf_iter.c, since 6.16. Unlike the iterators over tasks
 * it never calls the program at its end (dmabuf_iter_seq_stop()): nothing marks
 * the end but the file's, and where there is no buffer the file is empty.
 */
#include "common.h"

static __always_inline void put_buffer(struct seq_file *seq, const struct dma_buf *dmabuf)
{
	struct dmabuf_bpf_listed record = { .head.kind = DMABUF_BPF_BUFFER };
	const struct inode *inode = dmabuf->file->f_inode;

	record.buffer.inode = inode->i_ino;
	record.buffer.size_bytes = inode->i_size;
	record.buffer.device = inode->i_sb->s_dev;
	record.buffer.count = references_to(dmabuf->file, 1);	/* the iterator's own */
	record.head.flags = describe(&record.buffer, record.name, dmabuf);
	record.head.length = length_with_name(__builtin_offsetof(struct dmabuf_bpf_listed, name),
					      record.buffer.name_bytes);
	bpf_seq_write(seq, &record, record.head.length & 0xff);
}

SEC("iter/dmabuf")
int buffers(struct bpf_iter__dmabuf *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	/* Loaded once: the verifier takes each load for one that may be NULL. */
	const struct dma_buf *dmabuf = ctx->dmabuf;

	if (!dmabuf)
		return 0;
	if (begins(ctx->meta, dmabuf))
		put_header(seq, DMABUF_BPF_BUFFER);
	put_buffer(seq, dmabuf);
	return 0;
}
