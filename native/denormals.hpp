// Numbers too small for a full mantissa ("denormals") count as zero while one of these lives, on the thread that made
// it. The moments of a unit that gets no gradient decay into that range and stay there, and the arithmetic of many
// processors slows down by an order of magnitude on such numbers; as values of a network they mean nothing.
//
// The mode is the thread's: restore it before any other code runs (NumPy's, the caller's).
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace chainrule {

class FlushDenormals {
public:
    FlushDenormals() : before_(read()) { write(before_ | kFlush); }
    ~FlushDenormals() { write(before_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
#if defined(__x86_64__)
    using Register = unsigned;
    static constexpr Register kFlush = 0x8040;  // MXCSR: results flushed (bit 15), operands too (bit 6)
    static Register read() { return _mm_getcsr(); }
    static void write(Register value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
    using Register = std::uint64_t;
    static constexpr Register kFlush = 1 << 24;  // FPCR.FZ
    static Register read() {
        Register value;
        asm volatile("mrs %0, fpcr" : "=r"(value));
        return value;
    }
    static void write(Register value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else  // no such mode is known: results are the same, but for the time
    using Register = unsigned;
    static constexpr Register kFlush = 0;
    static Register read() { return 0; }
    static void write(Register) {}
#endif

    Register before_;
};

}  // namespace chainrule
