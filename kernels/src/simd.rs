//! Selection of vector instructions at run time.
//!
//! A crate built for the baseline `x86-64` can use 128-bit vectors only. [`dispatch`] holds a
//! second copy of the same safe code, compiled for AVX2, and runs it if the CPU has AVX2. Fused
//! multiply-add is not enabled, and Rust never contracts `a * b + c` on its own, so all copies
//! perform the same IEEE operations and return the same bits.
//!
//! [`dispatched`] does the same, with a third copy for AVX-512, for a loop whose closures come from
//! the user. The compiler inlines closures into all copies if they are small: it does so for
//! stencils of 27 points, not for those of 125. A build for `target-cpu=native` has a single copy,
//! into which any closure is inlined.
#![allow(unsafe_code, reason = "calling a function compiled for a CPU feature that was detected at run time")]

/// Work that [`dispatch`] compiles once per instruction set.
///
/// `run` and what it calls must be `#[inline(always)]`, or they keep the baseline instructions.
pub(crate) trait Kernel {
    type Output;

    fn run(self) -> Self::Output;
}

/// Runs `kernel` with the widest instruction set that the CPU has.
#[inline(always)]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: `run_avx2` needs only AVX2, which was just detected.
        return unsafe { run_avx2(kernel) };
    }
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Whether the CPU has the AVX-512 subsets that [`dispatched`] uses.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl")
}

/// Defines a function over rows of cells that runs its body with the widest instruction set that
/// the CPU has.
///
/// The rows are arguments of the functions that hold the loop. So the compiler knows that the
/// inputs of a rule do not overlap the row that it writes, and vectorizes the loop.
macro_rules! dispatched {
    ($(#[$doc:meta])* $visible:vis fn $name:ident<$($t:ident: $bound:path),* $(,)?>($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[inline(always)]
        #[allow(clippy::too_many_arguments, reason = "each row is an argument")]
        $visible fn $name<$($t: $bound),*>($($arg: $type),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "each row is an argument")]
            fn body<$($t: $bound),*>($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[inline(never)]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            #[allow(clippy::too_many_arguments, reason = "each row is an argument")]
            fn avx512<$($t: $bound),*>($($arg: $type),*) {
                body($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[inline(never)]
            #[target_feature(enable = "avx2")]
            #[allow(clippy::too_many_arguments, reason = "each row is an argument")]
            fn avx2<$($t: $bound),*>($($arg: $type),*) {
                body($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            if $crate::simd::has_avx512() {
                // SAFETY: `avx512` needs only features that were just detected.
                return unsafe { avx512($($arg),*) };
            }
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: `avx2` needs only AVX2, which was just detected.
                return unsafe { avx2($($arg),*) };
            }
            #[inline(never)]
            #[allow(clippy::too_many_arguments, reason = "each row is an argument")]
            fn baseline<$($t: $bound),*>($($arg: $type),*) {
                body($($arg),*)
            }
            baseline($($arg),*)
        }
    };
}
pub(crate) use dispatched;
