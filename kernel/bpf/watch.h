/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The parts that the programs of origins.bpf.c and their loader share. Readers
 * of the pinned files need records.h alone.
 */
#ifndef DMABUF_BPF_WATCH_STATE_H
#define DMABUF_BPF_WATCH_STATE_H

#include "records.h"

/* Raised by whatever changes below, or in the records that the maps keep. */
#define DMABUF_BPF_WATCH_LAYOUT 1

/* Each event has two programs. */
enum dmabuf_bpf_watcher {
	DMABUF_BPF_FIRST = 0,
	DMABUF_BPF_SECOND = 1,
};

enum dmabuf_bpf_watched {
	DMABUF_BPF_OF_BUFFERS = 0,
	DMABUF_BPF_OF_ATTACHMENTS = 1,
};

/* Decided by the loader, in section .rodata.watching. */
struct dmabuf_bpf_watching {
	/* Addresses of the kernel's variables; 0: not known, or not to be read. */
	__u64 per_cpu_offset;		/* unsigned long __per_cpu_offset[] */
	__u64 inode_counter;		/* the atomic64_t that numbers buffers */
	__u64 cpus;			/* that there can be */
	__u64 room;			/* of each map */
	__u32 flags;			/* of the WATCH record */
	__u32 unused;
};

struct dmabuf_bpf_counters {
	__u64 begun, finished;
	/* Of the first program and of the second, since each tries what the other could not do. */
	__u64 no_room[2], failed_entries[2], failed_removals[2];
	/* Misses of programs that watched before and were replaced. */
	__u64 earlier_missed_begins, earlier_missed_ends;
};

/* Section .bss.watch: outlives the programs when they are replaced, as the two maps do. */
struct dmabuf_bpf_state {
	__u64 layout;			/* DMABUF_BPF_WATCH_LAYOUT */
	__u64 base;			/* the address of this; hidden ones are relative to it */
	__u64 since_ns;			/* 0: the watch has yet to begin */
	__u64 first_inode;
	struct dmabuf_bpf_counters counters[2];
};

/*
 * Section .bss.watchers: of the programs, each of which there is twice: export,
 * release, attach, detach, then again. Of kprobes the second ones are at the
 * beginning of export and attach.
 */
struct dmabuf_bpf_watchers {
	__u32 ids[8];			/* written by the loader */
	__u64 stats[8];			/* addresses of their per-CPU statistics */
};

/*
 * Section .bss.passages: how often kprobes saw export and attach begin and return,
 * since the kernel leaves out returns where too many tasks are inside.
 */
struct dmabuf_bpf_passages {
	__u64 entered[2], returned[2];
};

/* The values of the maps: a record of a buffer or an attachment, and its checksum. */
struct dmabuf_bpf_kept_origin {
	struct dmabuf_bpf_origin record; /* its `buffer` is the key */
	__u64 check;
};

struct dmabuf_bpf_kept_attachment {
	struct dmabuf_bpf_attachment record; /* its `attachment` is the key */
	__u64 check;
};

#endif
