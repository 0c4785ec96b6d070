// The measured ceiling: how many multiply-adds cores do when nothing but multiply-adds happen.
#pragma once

#include <string>

namespace talweg::bench {

/// Single-precision GFLOP/s of so many threads together, for the vector width of an instruction set
/// ("avx512", "avx2", anything else: SSE multiply and add). The fastest of many short samples of
/// independent register chains written in assembly, since a compiler may spill them and then
/// measures memory instead. 0 on processors other than x86-64.
double fma_peak_gflops(const std::string& isa, int threads = 1);

}  // namespace talweg::bench
