//! The programs' entry points: which hook calls which handler.
//!
//! It must never hold logic of its own: each concern has a file. Every program begins by asking
//! whether the thread is a target's, because the other threads of the machine pay for that.
#![cfg_attr(target_arch = "bpf", no_std, no_main, feature(asm_experimental_arch))]

#[cfg(target_arch = "bpf")]
mod arrival;
#[cfg(target_arch = "bpf")]
mod call;
#[cfg(target_arch = "bpf")]
mod context;
#[cfg(target_arch = "bpf")]
mod copy;
#[cfg(target_arch = "bpf")]
mod descriptor;
#[cfg(target_arch = "bpf")]
mod emit;
#[cfg(target_arch = "bpf")]
mod file;
#[cfg(target_arch = "bpf")]
mod kernel;
#[cfg(target_arch = "bpf")]
mod life;
#[cfg(target_arch = "bpf")]
mod ready;
#[cfg(target_arch = "bpf")]
mod request;
#[cfg(target_arch = "bpf")]
mod sched;
#[cfg(target_arch = "bpf")]
mod target;
#[cfg(target_arch = "bpf")]
mod thread;

#[cfg(target_arch = "bpf")]
mod programs {
    //! One function a hook, with the arguments that the kernel's tracepoint has.

    use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

    use super::{arrival, call, context, copy, life, request, sched};

    /// `TP_PROTO(struct pt_regs *regs, long id)`
    #[btf_tracepoint(function = "sys_enter")]
    fn sys_enter(ctx: BtfTracePointContext) -> i32 {
        call::enter(&ctx, ctx.arg(0), ctx.arg(1));
        0
    }

    /// `TP_PROTO(struct pt_regs *regs, long ret)`
    #[btf_tracepoint(function = "sys_exit")]
    fn sys_exit(ctx: BtfTracePointContext) -> i32 {
        call::exit(&ctx, ctx.arg(0), ctx.arg(1));
        0
    }

    /// `TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next,
    /// unsigned int prev_state)`; the last one came with Linux 5.18.
    #[btf_tracepoint(function = "sched_switch")]
    fn sched_switch(ctx: BtfTracePointContext) -> i32 {
        let preempt: u64 = ctx.arg(0);
        sched::switched_out(&ctx, preempt & 1 != 0, ctx.arg(1));
        sched::switched_in(&ctx, ctx.arg(2));
        0
    }

    /// `TP_PROTO(struct task_struct *p)`
    #[btf_tracepoint(function = "sched_waking")]
    fn sched_waking(ctx: BtfTracePointContext) -> i32 {
        sched::waking(&ctx, ctx.arg(0));
        0
    }

    /// `TP_PROTO(const struct sk_buff *skb, int len)`
    #[btf_tracepoint(function = "skb_copy_datagram_iovec")]
    fn skb_copy_datagram_iovec(_ctx: BtfTracePointContext) -> i32 {
        copy::began();
        0
    }

    /// `TP_PROTO(const struct sock *sk)`
    #[btf_tracepoint(function = "sk_data_ready")]
    fn sk_data_ready(ctx: BtfTracePointContext) -> i32 {
        arrival::came(ctx.arg(0));
        0
    }

    /// `TP_PROTO(struct sock *sk, int ret, int flags)`
    #[btf_tracepoint(function = "sock_recv_length")]
    fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
        let (ret, flags): (u64, u64) = (ctx.arg(1), ctx.arg(2));
        arrival::was_read(ctx.arg(0), ret as i32, flags as u32);
        0
    }

    /// `TP_PROTO(struct task_struct *parent, struct task_struct *child)`
    #[btf_tracepoint(function = "sched_process_fork")]
    fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
        life::forked(&ctx, ctx.arg(0), ctx.arg(1));
        0
    }

    /// `TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`
    #[btf_tracepoint(function = "sched_process_exec")]
    fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
        let old_tid: u64 = ctx.arg(1);
        life::execed(&ctx, ctx.arg(0), old_tid as u32);
        0
    }

    /// `TP_PROTO(struct task_struct *p)`
    #[btf_tracepoint(function = "sched_process_exit")]
    fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
        life::exited(&ctx, ctx.arg(0));
        0
    }

    /// `TP_PROTO(struct io_kiocb *req)`
    #[btf_tracepoint(function = "io_uring_submit_req")]
    fn io_uring_submit_req(ctx: BtfTracePointContext) -> i32 {
        request::submitted(ctx.arg(0));
        0
    }

    /// `TP_PROTO(struct io_ring_ctx *ctx, void *req, struct io_uring_cqe *cqe)`; before Linux 6.14 not the last but
    /// `u64 user_data, int res, unsigned cflags` and two more.
    #[btf_tracepoint(function = "io_uring_complete")]
    fn io_uring_complete(ctx: BtfTracePointContext) -> i32 {
        request::completed(&ctx);
        0
    }

    /// `TP_PROTO(unsigned int vec_nr)`
    #[btf_tracepoint(function = "softirq_entry")]
    fn softirq_entry(_ctx: BtfTracePointContext) -> i32 {
        context::enter(context::SOFTIRQ);
        0
    }

    /// `TP_PROTO(unsigned int vec_nr)`
    #[btf_tracepoint(function = "softirq_exit")]
    fn softirq_exit(_ctx: BtfTracePointContext) -> i32 {
        context::leave(context::SOFTIRQ);
        0
    }

    /// `TP_PROTO(int irq, struct irqaction *action)`
    #[btf_tracepoint(function = "irq_handler_entry")]
    fn irq_handler_entry(_ctx: BtfTracePointContext) -> i32 {
        context::enter(context::HANDLER);
        0
    }

    /// `TP_PROTO(int irq, struct irqaction *action, int ret)`
    #[btf_tracepoint(function = "irq_handler_exit")]
    fn irq_handler_exit(_ctx: BtfTracePointContext) -> i32 {
        context::leave(context::HANDLER);
        0
    }

    /// `TP_PROTO(struct hrtimer *hrtimer, ktime_t *now)`
    #[btf_tracepoint(function = "hrtimer_expire_entry")]
    fn hrtimer_expire_entry(_ctx: BtfTracePointContext) -> i32 {
        context::enter(context::HRTIMER);
        0
    }

    /// `TP_PROTO(struct hrtimer *hrtimer)`
    #[btf_tracepoint(function = "hrtimer_expire_exit")]
    fn hrtimer_expire_exit(_ctx: BtfTracePointContext) -> i32 {
        context::leave(context::HRTIMER);
        0
    }
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier refuses a program in which this can be reached.
    loop {}
}

/// Tracepoints may only be used by programs that say this: the kernel's own test is for "GPL" in it.
#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(target_arch = "bpf"))]
fn main() {}
