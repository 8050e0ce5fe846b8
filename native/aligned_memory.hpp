// Memory on whole cache lines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace chainrule {

// Memory aligned to cache lines, not initialised.
class AlignedMemory {
public:
    explicit AlignedMemory(std::size_t bytes) : data_(::operator new(std::max<std::size_t>(bytes, 1), kAlignment)) {}
    template <class T>
    T* as() const {
        return static_cast<T*>(data_.get());
    }

private:
    static constexpr std::align_val_t kAlignment{64};
    struct Delete {
        void operator()(void* data) const { ::operator delete(data, kAlignment); }
    };
    std::unique_ptr<void, Delete> data_;
};

}  // namespace chainrule
