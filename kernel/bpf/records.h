/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A read of the pinned iterators hands out one header, one record per
 * reference, and one end. The list of all buffers has no end but the file's, and is
 * an empty file where there is none. `origins` and `attachments` have a WATCH
 * record behind the header and another before the end. All fields have the
 * machine's byte order and no padding; every record begins with its length, a
 * multiple of eight, and its kind.
 *
 * include/dmabuf/bpf/records.hpp reads them. Whatever changes in a record raises
 * DMABUF_BPF_VERSION; a new file with records of its own does not.
 */
#ifndef DMABUF_BPF_RECORDS_H
#define DMABUF_BPF_RECORDS_H

#include <linux/types.h>

#define DMABUF_BPF_MAGIC 0x7265746966756264ULL /* "dbufiter", little endian */
#define DMABUF_BPF_VERSION 3

/* Decided by the loader, in section .rodata.settings. */
struct dmabuf_bpf_settings {
	/*
	 * The key that hides kernel addresses, drawn at random. A caller who can
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
	DMABUF_BPF_ORIGIN = 6,		/* iter/bpf_map_elem over the buffers watched */
	DMABUF_BPF_ATTACHMENT = 7,	/* iter/bpf_map_elem over their attachments */
	DMABUF_BPF_WATCH = 8,		/* in both of these files, twice */
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
	char exporter[68];		/* padded with zeros; one of 64 bytes counts as cut */
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

/*
 * The task that exported a buffer or attached a device, as it was then. Numbers
 * are the initial namespaces'. Only tgid and start_ns together name a process:
 * it may have exited since, and its number may be another's.
 */
struct dmabuf_bpf_actor {
	__s32 tgid;
	__s32 tid;			/* of the thread that did it */
	__u32 uid;			/* effective, of that thread */
	__u32 unused;
	__u64 start_ns;			/* of the group's leader, since boot */
	char comm[16];			/* of the group's leader, ends with a zero */
	char thread_comm[16];		/* of the thread that did it, ends with a zero */
};

/*
 * Of kind ORIGIN: one buffer that was exported under the watch and is not
 * released. A buffer that is released while the file is read may be there.
 *
 * The record is whole: it was stored with a checksum, which the iterator's
 * program compares before it hands the record out, since the kernel may reuse an
 * element's memory for another buffer at any time. Join it with a buffer of the
 * same inode, device and size. Before 5.18 two living buffers can have one
 * inode (WATCH says so): then two records do not tell which is whose.
 */
struct dmabuf_bpf_origin {
	struct dmabuf_bpf_head head;	/* no flags */
	__u64 buffer;			/* stands for the buffer; the same in `attachments` */
	__u64 inode;
	__u64 size_bytes;
	__u32 device;			/* of its superblock: major << 20 | minor */
	__u32 unused;
	__u64 made_ns;			/* when it was exported, since boot */
	__u64 cgroup;			/* id (inode) of the maker's in the v2 hierarchy; 0: none */
	struct dmabuf_bpf_actor maker;
};

/* Of kind ATTACHMENT: one device that was attached under the watch and is not detached. */
#define DMABUF_BPF_UNNAMED_DEVICE	(1u << 0)	/* attached_to could not be read */

struct dmabuf_bpf_attachment {
	struct dmabuf_bpf_head head;
	__u64 attachment;		/* stands for it; no other living one has the same */
	__u64 buffer;			/* as in `origins` */
	__u64 inode;
	__u64 size_bytes;
	__u32 device;			/* of the buffer's superblock: major << 20 | minor */
	__u32 unused;
	__u64 attached_ns;		/* since boot */
	struct dmabuf_bpf_actor importer;
	char attached_to[64];		/* dev_name(), cut after 63 bytes, padded with zeros */
};

/* Buffers are numbered in the order of their exports, each once (5.18 and its stable kernels). */
#define DMABUF_BPF_INODES_IN_ORDER	(1u << 0)
/* By kprobes: this kernel attaches no fentry program. It counts their misses since 6.7. */
#define DMABUF_BPF_BY_PROBES		(1u << 1)

#define DMABUF_BPF_UNKNOWN (~0ULL)	/* of `first_inode`, `missed_begins` and `missed_ends` */

/*
 * Of kind WATCH: how complete the records are. Counters never fall; those in
 * `origins` are of exports and releases, those in `attachments` of attaching and
 * detaching.
 *
 * The first one was read before the walk, the last one after it. Where
 * last.begun == first.finished nothing changed meanwhile, and each record that
 * there is was handed out once. Otherwise last.begun - first.finished changes
 * fell into the walk: it may have passed over a record or have come to one
 * twice, and a buffer without a record is not known to have none. (A change in
 * the instant between the kernel's choice of the first record and the first run
 * of the program is in both numbers.)
 */
struct dmabuf_bpf_watch {
	struct dmabuf_bpf_head head;	/* flags above */
	__u64 since_ns;			/* boot time from which on all programs watched */
	/*
	 * The inode that the next buffer was to have at that time. Where inodes are
	 * in order, a buffer of this one or a later one without a record was missed,
	 * and an earlier one without a record was made before the watch.
	 */
	__u64 first_inode;
	__u64 room;			/* records that there can be at a time */
	__u64 begun;			/* tries to enter or remove a record, counted before each */
	__u64 finished;			/* the same, counted after each; <= begun */
	/* Failures of one of the two programs on each event; the other may have succeeded. */
	__u64 no_room;			/* not entered: there were `room` records */
	__u64 failed_entries;		/* not entered for another reason, as no memory */
	__u64 failed_removals;		/* left over: the record stays, its buffer is gone */
	/*
	 * For at most so many events the kernel ran no program: both were running
	 * already on that processor, preempted; by kprobes, another one ran, or the
	 * event was one of too many at a time. A buffer that was not entered has no
	 * record; one that was left over takes room until its address is used again.
	 * No record is handed out of a buffer that is gone, but under
	 * lockdown=confidentiality; one of a detached device can be.
	 */
	__u64 missed_begins;
	__u64 missed_ends;
};

#endif
