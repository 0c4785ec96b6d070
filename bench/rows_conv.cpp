// Talweg's convolutions: every shape, face, instruction set and algorithm, on each number of
// threads.
#include "bench/conv_problem.h"
#include "bench/rows.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

using kernels::Conv2dAlgo;
using kernels::KernelTable;

/// The algorithm called `name` for this face; "auto" is the library's own choice.
Conv2dAlgo algo_of(const std::string& name, const Conv2dShape& s, Conv2dFace face) {
  if (name == "auto") return kernels::best_algo(s, face);
  for (const Conv2dAlgo algo :
       {Conv2dAlgo::direct, Conv2dAlgo::wino2, Conv2dAlgo::wino4, Conv2dAlgo::row4}) {
    if (name == kernels::algo_name(algo)) return algo;
  }
  throw Error(
      message("[bench] unknown algorithm '", name, "'; choose direct, wino2, wino4, row4 or auto"));
}

/// Buffers of one row; inputs are shared with the other rows of its problem.
struct ConvRun {
  std::shared_ptr<const ConvProblem> problem;
  Conv2dAlgo algo;
  const KernelTable<float>& table;
  Buffer packed, out, scratch;

  ConvRun(std::shared_ptr<const ConvProblem> p, Conv2dAlgo chosen)
      : problem(std::move(p)),
        algo(chosen),
        table(kernels::table<float>()),
        packed(packs() ? table.conv2d_packed_size(problem->s(), algo, problem->face()) : 0),
        out(problem->output_size()),
        scratch(table.conv2d_scratch(problem->s(), algo, problem->face())) {
    pack();
  }
  bool packs() const { return problem->face() != Conv2dFace::backward_weights; }
  void pack() const {
    if (packs()) {
      table.conv2d_pack(problem->s(), algo, problem->face(), problem->w().data(), packed.data());
    }
  }
  void run() const {
    const Conv2dShape& s = problem->s();
    const float *x = problem->x().data(), *g = problem->g().data();
    if (problem->face() == Conv2dFace::forward) {
      table.conv2d(s, algo, x, packed.data(), {}, out.data(), scratch.data());
    } else if (problem->face() == Conv2dFace::backward_data) {
      table.conv2d_backward_data(s, algo, packed.data(), g, out.data(), scratch.data());
    } else {
      table.conv2d_backward_weights(s, algo, x, g, out.data(), scratch.data());
    }
  }
  const Buffer& image_in() const {
    return problem->face() == Conv2dFace::backward_data ? problem->g() : problem->x();
  }
};

}  // namespace

Work conv_work(const ConvShape& shape, Conv2dFace face, const std::string& algo_name,
               bool with_packing) {
  const Conv2dAlgo algo = algo_of(algo_name, shape.s, face);
  const auto run = std::make_shared<ConvRun>(conv_problem(shape, face), algo);
  Work work;
  work.run = [run, with_packing] {
    if (with_packing) run->pack();
    run->run();
  };
  work.error = [run] { return run->problem->error(run->out.data()); };
  work.hash = [run] { return hash_of(run->out.data(), run->out.size()); };
  const bool to_weights = face == Conv2dFace::backward_weights;
  work.weights = {to_weights ? run->out.memory() : run->packed.memory()};
  if (with_packing) work.weights.push_back(run->problem->w().memory());
  work.others = {run->image_in().memory(),
                 to_weights ? run->problem->g().memory() : run->out.memory()};
  if (algo_name == "auto") work.note = std::string(kernels::algo_name(algo));
  return work;
}

namespace {

/// Bounds that tell a wrong kernel from rounding; how far below them a kernel stays, the rows say.
double error_bound(Conv2dFace face, Conv2dAlgo algo) {
  const bool to_weights = face == Conv2dFace::backward_weights;
  if (algo == Conv2dAlgo::wino4) return to_weights ? 3e-5 : 5e-6;
  if (algo == Conv2dAlgo::row4) return to_weights ? 1e-5 : 5e-6;
  return to_weights ? 1e-5 : 2e-6;
}

}  // namespace

void add_conv_rows(Suite& suite) {
  const SuiteOptions& o = suite.options();
  const auto add = [&](const ConvCase& c, Conv2dFace face, const std::string& isa,
                       const std::string& name, int threads, bool with_packing) {
    const Conv2dAlgo algo = algo_of(name, c.shape.s, face);
    if (!kernels::supports(algo, c.shape.s)) return;
    Row row =
        conv_row(c, face, "talweg/" + isa + "/" + name + (with_packing ? "+pack" : ""), threads);
    row.isa = isa;
    row.executed_flop = executed_flop(c.shape.s, face, algo);
    row.error_bound = error_bound(face, algo);
    row.reference_rank = name == "direct" && !with_packing ? 1 : 0;
    row.options += (row.options.empty() ? "--algo " : " --algo ") + name;
    if (with_packing) row.options += " --packing";
    row.make = [shape = c.shape, face, name, with_packing] {
      return conv_work(shape, face, name, with_packing);
    };
    suite.add(std::move(row));
  };
  for (const ConvCase& c : suite.conv_cases()) {
    if (c.shape.depthwise) continue;  // rows_depthwise.cpp
    for (const Conv2dFace face : o.faces) {
      for (const std::string& isa : o.isas) {
        for (const std::string& algo : o.algos) {
          for (const int threads : o.threads) {
            add(c, face, isa, algo, threads, false);
            if (o.with_packing && face != Conv2dFace::backward_weights) {
              add(c, face, isa, algo, threads, true);
            }
          }
        }
      }
    }
  }
}

}  // namespace talweg::bench
