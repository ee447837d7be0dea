/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What a read of the pinned iterators hands out: one header, one record per
 * reference, one end. The list of all buffers has no end but the file's, and is
 * an empty file where there is none. All fields have the machine's byte order
 * and no padding; every record begins with its length, a multiple of eight, and
 * its kind.
 *
 * include/dmabuf/bpf/records.hpp reads them. Whatever changes here raises
 * DMABUF_BPF_VERSION.
 */
#ifndef DMABUF_BPF_RECORDS_H
#define DMABUF_BPF_RECORDS_H

#include <linux/types.h>

#define DMABUF_BPF_MAGIC 0x7265746966756264ULL /* "dbufiter", little endian */
#define DMABUF_BPF_VERSION 3

/* What the loader decides, in section .rodata.settings. */
struct dmabuf_bpf_settings {
	/*
	 * The key of what stands for kernel addresses, drawn at random. Who can
	 * read it back (CAP_BPF) may read kernel memory anyway.
	 */
	__u64 secret[2];
	/*
	 * 0 where the kernel refuses bpf_probe_read_kernel() to any program
	 * (lockdown=confidentiality): exporters and names are not read then.
	 */
	__u64 read_names;
};

enum dmabuf_bpf_kind {
	DMABUF_BPF_HEADER = 1,
	DMABUF_BPF_DESCRIPTOR = 2,	/* iter/task_file */
	DMABUF_BPF_MAPPING = 3,		/* iter/task_vma */
	DMABUF_BPF_BUFFER = 4,		/* iter/dmabuf */
	DMABUF_BPF_END = 5,
};

struct dmabuf_bpf_head {
	__u16 length;			/* of the whole record */
	__u16 kind;
	__u32 flags;
};

/* Namespaces of the reader that are not the initial ones, as the numbers below are. */
#define DMABUF_BPF_IN_PID_NAMESPACE	(1u << 0)
#define DMABUF_BPF_IN_USER_NAMESPACE	(1u << 1)
#define DMABUF_BPF_IN_TIME_NAMESPACE	(1u << 2)
/* Exporters and names cannot be read (lockdown=confidentiality). */
#define DMABUF_BPF_NO_NAMES		(1u << 3)

struct dmabuf_bpf_header {
	struct dmabuf_bpf_head head;
	__u64 magic;
	__u32 version;
	__u32 content;			/* the kind of record that follows */
};

#define DMABUF_BPF_PATH			(1u << 0)	/* opened with O_PATH */
#define DMABUF_BPF_NAMED		(1u << 1)	/* somebody set a name */
#define DMABUF_BPF_UNDESCRIBED		(1u << 2)	/* exporter and name could not be read */

struct dmabuf_bpf_buffer {
	__u64 inode;
	__u64 size_bytes;
	__u32 device;			/* major << 20 | minor */
	__u32 name_bytes;
	char exporter[68];		/* padded with zeros; 64 bytes of it are one too many */
	__u32 count;			/* references to its file, without ours; 0: not told */
};

struct dmabuf_bpf_holder {
	__s32 tgid;
	__s32 tid;			/* of the task whose table or memory this is */
	__u32 uid;			/* effective */
	__u32 unused;
	__u64 start_ns;			/* of the group's leader, since boot */
	__u64 set;			/* the table or address space; equal only for the same one */
	__u64 item;			/* the descriptor, or which mapping; unique in the set */
	__u64 mapped_bytes;		/* 0 for a descriptor */
	char comm[16];			/* of the group's leader, ends with a zero */
};

/* Of kind DESCRIPTOR or MAPPING; name_bytes bytes of the name, then zeros. */
struct dmabuf_bpf_reference {
	struct dmabuf_bpf_head head;
	struct dmabuf_bpf_holder holder;
	struct dmabuf_bpf_buffer buffer;
	char name[32];
};

/* Of kind BUFFER. */
struct dmabuf_bpf_listed {
	struct dmabuf_bpf_head head;
	struct dmabuf_bpf_buffer buffer;
	char name[32];
};

#endif
