// A network's instructions, as engine/lower.py writes them.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernels/network_table.hpp"

namespace chainrule {

// These two lists are those of engine/instructions.py, where each entry is explained.
enum class Space : int { kNone, kData, kRows, kFixed, kParameter, kGradient };
enum class Code : int {
    kProduct,
    kProductInput,
    kProductWeight,
    kColumnSums,
    kActivate,
    kActivateBackward,
    kCopy,
    kScale,
    kDropout,
    kSoftmax,
    kSoftmaxBackward,
    kReference,
    kReferenceBackward,
    kCrossEntropy,
    kPenalty,
};

struct Place {
    Space space = Space::kNone;
    Index offset = 0;
    Index rows = 0;  // 0: those of the batch
    Index columns = 0;
    Index stride = 0;
};

struct Instruction {
    Code code = Code::kCopy;
    bool accumulate = false;
    Activation activation = Activation::kRelu;
    std::uint32_t stream = 0;
    Place out, a, b, c;
    double number = 0.0;
};

struct Loss {
    double coefficient = 1.0;
    bool sigmoid = false;
    bool weighted = false;
    std::vector<double> class_weight;
    double label_smoothing = 0.0;
};

// A parameter in the flat vector.
struct Parameter {
    Index offset = 0;
    Index rows = 0;
    Index columns = 0;
    double l2 = 0.0;      // the loss gains l2 / 2 ||w||^2
    bool decays = false;  // whether the optimizer's weight decay is for it
};

struct Instructions {
    std::vector<Instruction> forward, backward, reductions, fixed_forward, fixed_backward;
    std::vector<Loss> losses;
    std::vector<Parameter> parameters;
    std::vector<Index> data_columns;  // of each data node
    Place output;
    Index arena_columns = 0;
    Index fixed_size = 0;
    Index n_parameters = 0;
};

}  // namespace chainrule
