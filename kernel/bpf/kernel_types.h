/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The few fields of the kernel's structures that the programs look at. Where
 * they are in the running kernel its BTF tells when the program is loaded
 * (CO-RE), so neither vmlinux.h nor a kernel's headers are needed.
 */
#ifndef DMABUF_BPF_KERNEL_TYPES_H
#define DMABUF_BPF_KERNEL_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct files_struct;

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	struct ns_common ns;
};

struct pid_namespace {
	struct ns_common ns;
};

struct time_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
};

struct nsproxy {
	struct time_namespace *time_ns;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t euid;
	struct user_namespace *user_ns;
};

struct mm_struct;

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct files_struct *files;
	struct mm_struct *mm;
	struct pid *thread_pid;
	struct nsproxy *nsproxy;
	const struct cred *cred;
	struct css_set *cgroups;
	__u64 start_boottime;
	char comm[16];
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	long long i_size;
};

struct dentry {
	struct inode *d_inode;
	void *d_fsdata;
};

struct path {
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	struct inode *f_inode;
	struct path f_path;
};

/* The references to a file: their number, or since 6.13 one less. */
struct file___before_6_13 {
	struct {
		long counter;
	} f_count;
};

struct file___since_6_13 {
	struct {
		struct {
			long counter;
		} refcnt;
	} f_ref;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct file *vm_file;
};

struct dma_buf {
	__u64 size;
	struct file *file;
	const char *exp_name;
	const char *name;
};

struct kobject {
	const char *name;
};

struct device {
	struct kobject kobj;
	const char *init_name;
};

struct dma_buf_attachment {
	struct dma_buf *dmabuf;
	struct device *dev;
};

/* The registers at a kprobe. Fields that no other architecture has tell which one it is. */
struct pt_regs___x86 {
	unsigned long ax, di, si;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 pstate;
};

struct bpf_prog_stats;

/* The runs of a program that were left out, a plain number or one in structures. */
struct bpf_prog_stats___before_5_16 {
	__u64 misses;
};

struct bpf_prog_stats___since_5_16 {
	struct {
		__u64 number;
	} misses;
};

struct bpf_prog_aux {
	__u32 id;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
	struct bpf_prog_stats *stats;
};

struct bpf_map;

struct seq_file {
	long long index;
	struct file *file;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

struct bpf_iter__dmabuf {
	struct bpf_iter_meta *meta;
	struct dma_buf *dmabuf;
};

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

#pragma clang attribute pop

#endif
