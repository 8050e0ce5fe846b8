// Memory on whole cache lines, of much of it on huge pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace chainrule {

// Dense rows read here and there miss the processor's table of pages as often as its cache, and the first touch of each
// page is a fault: from a few megabytes on, pages of 2 MB are asked for.
constexpr std::size_t kHugePage = std::size_t(2) << 20;
constexpr std::size_t kHugeFrom = 2 * kHugePage;

inline std::align_val_t alignment_for(std::size_t bytes) {
    return std::align_val_t(bytes >= kHugeFrom ? kHugePage : 64);
}

// Memory that is not initialised.
inline void* allocate_aligned(std::size_t bytes) {
    if (bytes < kHugeFrom) return ::operator new(std::max<std::size_t>(bytes, 1), alignment_for(bytes));
    const std::size_t whole_pages = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* data = ::operator new(whole_pages, alignment_for(bytes));
#if defined(__linux__)
    (void)::madvise(data, whole_pages, MADV_HUGEPAGE);  // refused, it is as before
#endif
    return data;
}

inline void free_aligned(void* data, std::size_t bytes) { ::operator delete(data, alignment_for(bytes)); }

class AlignedMemory {
public:
    explicit AlignedMemory(std::size_t bytes) : bytes_(bytes), data_(allocate_aligned(bytes), Delete{bytes}) {}
    std::size_t bytes() const { return bytes_; }
    template <class T>
    T* as() const {
        return static_cast<T*>(data_.get());
    }

private:
    struct Delete {
        std::size_t bytes;
        void operator()(void* data) const { free_aligned(data, bytes); }
    };
    std::size_t bytes_;
    std::unique_ptr<void, Delete> data_;
};

// For a std::vector that is made often and filled at once: resize() leaves what is new uninitialised. The C library keeps
// what is freed for the next one, but from 32 MB on, which it takes from the system anew.
template <class T>
struct UninitializedAllocator {
    using value_type = T;
    static constexpr std::size_t kKeptBelow = std::size_t(32) << 20;

    UninitializedAllocator() = default;
    template <class U>
    UninitializedAllocator(const UninitializedAllocator<U>&) {}
    T* allocate(std::size_t n) {
        const std::size_t bytes = n * sizeof(T);
        return static_cast<T*>(bytes < kKeptBelow ? ::operator new(bytes) : allocate_aligned(bytes));
    }
    void deallocate(T* data, std::size_t n) {
        const std::size_t bytes = n * sizeof(T);
        return bytes < kKeptBelow ? ::operator delete(data) : free_aligned(data, bytes);
    }
    template <class U>
    void construct(U* at) {
        ::new (static_cast<void*>(at)) U;
    }
    template <class U, class... Arguments>
    void construct(U* at, Arguments&&... arguments) {
        ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
    }
    friend bool operator==(const UninitializedAllocator&, const UninitializedAllocator&) { return true; }
    friend bool operator!=(const UninitializedAllocator&, const UninitializedAllocator&) { return false; }
};

template <class T>
using UninitializedVector = std::vector<T, UninitializedAllocator<T>>;

}  // namespace chainrule
