// The measured ceiling: how many multiply-adds cores do when nothing but multiply-adds happen.
#pragma once

#include <string>

namespace talweg::kernels {

/// Single-precision GFLOP/s of so many threads together, for the vector width of an instruction set
/// ("avx512", "avx2", anything else: SSE multiply and add). The fastest of many short samples of
/// independent register chains written in assembly, since a compiler may spill them and then
/// measures memory instead. 0 on processors other than x86-64.
double fma_peak_gflops(const std::string& isa, int threads = 1);

/// Cycles a second, in GHz: how often a core adds a register to another, each addition waiting for
/// the one before, for which every x86-64 processor takes one cycle. What the system states may be a
/// nominal clock. 0 on other processors.
double effective_ghz();

}  // namespace talweg::kernels
