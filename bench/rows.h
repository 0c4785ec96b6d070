// Every file with rows, and the one call that asks them all.
#pragma once

#include "bench/suite.h"

namespace talweg::bench {

void add_conv_rows(Suite& suite);       ///< talweg's conv2d, by shape, face, algorithm, ISA
void add_depthwise_rows(Suite& suite);  ///< its three faces
void add_kernel_rows(Suite& suite);     ///< elementwise, reductions
void add_memory_rows(Suite& suite);     ///< columns, softmax, depthwise, optimisers: GB/s
void add_matmul_rows(Suite& suite);
void add_op_rows(Suite& suite);        ///< every op's card: forward, vjp
void add_tape_rows(Suite& suite);      ///< what the tape adds to an op: ns an op
void add_net_rows(Suite& suite);       ///< whole networks: a training step, reading
void add_lexicon_rows(Suite& suite);   ///< the best of 500,000 words
void add_ladder_rows(Suite& suite);    ///< the learner's ladder
void add_graph_rows(Suite& suite);     ///< alignment by weighted graphs, beside that by hand
void add_align_rows(Suite& suite);     ///< the aligner; groups: align
void add_sampling_rows(Suite& suite);  ///< normals, steps of samplers; group: sampling
#ifdef TALWEG_PEERS
void add_onednn_rows(Suite& suite);
void add_openblas_rows(Suite& suite);
#endif

/// The work of talweg's own conv2d rows: `algo` is direct, wino2, wino4 or auto; weights are packed
/// beforehand, or in every run.
Work conv_work(const ConvShape& shape, Conv2dFace face, const std::string& algo, bool with_packing);

/// All of the above. One line a file; what is built only on request stands behind its #ifdef.
void add_all_rows(Suite& suite);

}  // namespace talweg::bench
