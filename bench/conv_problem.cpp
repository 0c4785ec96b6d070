#include "bench/conv_problem.h"

#include <map>

#include "bench/exact_conv.h"

namespace talweg::bench {

ConvProblem::ConvProblem(const ConvShape& shape, Conv2dFace face)
    : shape_(shape),
      face_(face),
      x_(random_buffer(shape.s.x_size(), 1)),
      w_(random_buffer(shape.w_size(), 2)),
      g_(random_buffer(shape.s.y_size(), 3)) {}

int64_t ConvProblem::output_size() const {
  if (face_ == Conv2dFace::forward) return s().y_size();
  return face_ == Conv2dFace::backward_data ? s().x_size() : shape_.w_size();
}

double ConvProblem::error(const float* output) const {
  std::call_once(once_,
                 [&] { exact_ = exact_conv(shape_, face_, x_.data(), w_.data(), g_.data()); });
  return relative_error(output, exact_);
}

std::shared_ptr<const ConvProblem> conv_problem(const ConvShape& shape, Conv2dFace face) {
  static std::map<std::string, std::weak_ptr<const ConvProblem>> alive;
  std::weak_ptr<const ConvProblem>& slot = alive[conv_problem_name(shape, face)];
  std::shared_ptr<const ConvProblem> problem = slot.lock();
  if (!problem) slot = problem = std::make_shared<const ConvProblem>(shape, face);
  return problem;
}

}  // namespace talweg::bench
