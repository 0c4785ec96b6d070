// Depthwise convolutions: every shape that has as many groups as channels, face and instruction set.
// They do little to each number, so memory bounds them: their figure is GB/s.
#include "bench/conv_problem.h"
#include "bench/rows.h"
#include "core/kernels/kernels.h"

namespace talweg::bench {
namespace {

Work make_work(const ConvShape& shape, Conv2dFace face) {
  struct Run {
    std::shared_ptr<const ConvProblem> problem;
    Buffer out, scratch;
  };
  const auto& table = kernels::table<float>();
  const std::shared_ptr<const ConvProblem> problem = conv_problem(shape, face);
  const bool to_weights = face == Conv2dFace::backward_weights;
  const auto run =
      std::make_shared<Run>(Run{problem, Buffer(problem->output_size()),
                                Buffer(to_weights ? table.depthwise_scratch(shape.s) : 0)});
  Work work;
  work.run = [run, &table, face] {
    const ConvProblem& p = *run->problem;
    const float *x = p.x().data(), *w = p.w().data(), *g = p.g().data();
    if (face == Conv2dFace::forward) {
      table.depthwise(p.s(), x, w, run->out.data());
    } else if (face == Conv2dFace::backward_data) {
      table.depthwise_backward_data(p.s(), w, g, run->out.data());
    } else {
      table.depthwise_backward_weights(p.s(), x, g, run->out.data(), run->scratch.data());
    }
  };
  work.error = [run] { return run->problem->error(run->out.data()); };
  work.hash = [run] { return hash_of(run->out.data(), run->out.size()); };
  work.weights = {to_weights ? run->out.memory() : problem->w().memory()};
  work.others = {face == Conv2dFace::backward_data ? problem->g().memory() : problem->x().memory(),
                 to_weights ? problem->g().memory() : run->out.memory()};
  return work;
}

}  // namespace

void add_depthwise_rows(Suite& suite) {
  const SuiteOptions& o = suite.options();
  for (const ConvCase& c : suite.conv_cases()) {
    if (!c.shape.depthwise) continue;
    for (const Conv2dFace face : o.faces) {
      for (const std::string& isa : o.isas) {
        for (const int threads : o.threads) {
          Row row = conv_row(c, face, "talweg/" + isa + "/direct", threads);
          row.isa = isa;
          row.reference_rank = 1;
          row.make = [shape = c.shape, face] { return make_work(shape, face); };
          suite.add(std::move(row));
        }
      }
    }
  }
}

}  // namespace talweg::bench
