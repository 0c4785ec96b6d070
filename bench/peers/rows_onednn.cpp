// oneDNN's rows beside ours: onednn/direct and onednn/winograd in the layouts that oneDNN chooses,
// onednn/direct-nhwc with images kept channels last as ours are; each alone, and, when packing is
// timed too (--packing), with what a caller adds who keeps plain arrays:
//   +reorder       from and to nchw with weights oihw, where most programs have them
//   +reorder-nhwc  from and to nhwc with weights ohwi, which our +pack rows start from
#include "bench/conv_problem.h"
#include "bench/peers/onednn.h"
#include "bench/rows.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

struct OneDnnWay {
  const char* name;
  OneDnnAlgo algo;
  OneDnnInside inside;
};

constexpr OneDnnWay kWays[] = {
    {"direct", OneDnnAlgo::direct, OneDnnInside::chosen},
    {"direct-nhwc", OneDnnAlgo::direct, OneDnnInside::nhwc},
    {"winograd", OneDnnAlgo::winograd, OneDnnInside::chosen},
};

/// One row's primitive and its last result in our layout.
struct OneDnnRun {
  std::shared_ptr<const ConvProblem> problem;
  OneDnnConv2d conv;
  Buffer out;

  OneDnnRun(std::shared_ptr<const ConvProblem> p, const OneDnnConfig& config)
      : problem(std::move(p)), conv(config), out(problem->output_size()) {
    const Conv2dFace face = problem->face();
    const Buffer& first = face == Conv2dFace::backward_data ? problem->w() : problem->x();
    const Buffer& second = face == Conv2dFace::forward ? problem->w() : problem->g();
    conv.load(first.data(), second.data());
  }
  const float* result() {
    conv.read(out.data());
    return out.data();
  }
};

Work make_work(const ConvShape& shape, const OneDnnConfig& config, bool with_reorders) {
  const auto run = std::make_shared<OneDnnRun>(conv_problem(shape, config.face), config);
  Work work;
  if (with_reorders) {
    work.run = [run] { run->conv.run_with_reorders(); };
  } else {
    work.run = [run] { run->conv.run(); };
  }
  work.error = [run] { return run->problem->error(run->result()); };
  work.weights = run->conv.memory_of_weights();
  work.others = run->conv.memory_of_images();
  work.note = run->conv.description();
  return work;
}

void add_row(Suite& suite, const ConvCase& c, const OneDnnConfig& config, const std::string& way,
             int threads, bool with_reorders) {
  Row row = conv_row(c, config.face, "onednn/" + way, threads);
  row.isa = onednn_isa();
  row.reference_rank = way == "direct" ? 2 : 0;
  if (config.algo == OneDnnAlgo::winograd) {
    constexpr int64_t kTile = 4;  // its only form for float is F(4x4, 3x3)
    row.executed_flop = winograd_flop(c.shape.s, config.face, kTile);
    row.error_bound *= 10;  // its rounding is not ours to judge; a wrong result is far beyond
  }
  row.make = [shape = c.shape, config, with_reorders] {
    return make_work(shape, config, with_reorders);
  };
  suite.add(std::move(row));
}

void add_way(Suite& suite, const ConvCase& c, Conv2dFace face, const OneDnnWay& way) {
  OneDnnConfig config = {c.shape.s, face, way.algo, way.inside, OneDnnCaller::nchw};
  if (const auto lack = onednn_lacks(config)) {
    suite.leave_out(message(conv_problem_name(c.shape, face), "/onednn/", way.name), *lack);
    return;
  }
  for (const int threads : suite.options().threads) {
    add_row(suite, c, config, way.name, threads, false);
    if (!suite.options().with_packing) continue;
    for (const OneDnnCaller caller : {OneDnnCaller::nchw, OneDnnCaller::nhwc}) {
      // Who has channels last inside has them outside, too.
      if (way.inside == OneDnnInside::nhwc && caller == OneDnnCaller::nchw) continue;
      config.caller = caller;
      const char* suffix = caller == OneDnnCaller::nchw ? "+reorder" : "+reorder-nhwc";
      add_row(suite, c, config, way.name + std::string(suffix), threads, true);
    }
  }
}

}  // namespace

void add_onednn_rows(Suite& suite) {
  for (const ConvCase& c : suite.conv_cases()) {
    if (c.shape.depthwise) {
      suite.leave_out(message(c.shape.text, "/onednn"),
                      "depthwise convolutions are timed without peers");
      continue;
    }
    for (const Conv2dFace face : suite.options().faces) {
      for (const OneDnnWay& way : kWays) add_way(suite, c, face, way);
    }
  }
}

}  // namespace talweg::bench
