// How C++ types become MessagePack values and come back.
//
//   C++                                                  MessagePack
//   bool; integers and enums; float, double              boolean; integer; float
//   std::string (views and literals: only written)       string
//   std::vector<std::byte>, std::array<std::byte, n>     bytes (bin)
//   std::vector<T>, std::array<T, n>                     array
//   std::map<K, V>                                       map (in order: the same bytes each time)
//   std::pair, std::tuple, structs with fields()         array, one element per field
//   std::optional<T>                                     nil, or T
//   std::monostate                                       nil
//   Packed                                               any one value, as it is
//
// A struct says which fields it has, in their order on the wire:
//
//   struct Vote {
//     std::uint64_t term = 0;
//     std::string voter;
//     static auto fields(auto& self) { return std::tie(self.term, self.voter); }
//   };
//
// Structs may grow at their end: elements that a reader does not know are skipped, and
// std::optional fields at the end may be missing. For other types specialize Codec.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "net/packer.h"
#include "net/unpacker.h"

namespace coracle::net {

// Specialize it for a type of yours, with both functions or one of them:
//   static void pack(Packer& out, const T& value);   // exactly one value
//   static bool unpack(Unpacker& in, T& value);      // false after in.fail("expected ...")
template <typename T>
struct Codec;

template <typename T>
concept Packable = requires(Packer& out, const T& value) { Codec<T>::pack(out, value); };

// A type must have a default constructor to be read.
template <typename T>
concept Unpackable = std::default_initializable<T> && requires(Unpacker& in, T& value) {
  { Codec<T>::unpack(in, value) } -> std::same_as<bool>;
};

// Appends `value` as one MessagePack value.
template <typename T>
void pack_value(Packer& out, const T& value) {
  static_assert(Packable<T>, "give this type fields(), or specialize coracle::net::Codec for it");
  Codec<T>::pack(out, value);
}

// Takes the next value.
//   Returns    true, and `value` is set; or false, and in.error() says why.
template <typename T>
bool unpack_value(Unpacker& in, T& value) {
  static_assert(Unpackable<T>,
                "give this type fields() and a default constructor, or specialize "
                "coracle::net::Codec for it (views can only be written)");
  return Codec<T>::unpack(in, value);
}

// One whole value of any type, kept as its bytes: for what is only handed on, or looked at later.
struct Packed {
  std::vector<std::byte> bytes = {std::byte{0xc0}};  // exactly one well-formed value; nil at first
  friend bool operator==(const Packed&, const Packed&) = default;
};

template <>
struct Codec<Packed> {
  static void pack(Packer& out, const Packed& value) { out.packed(value.bytes); }
  static bool unpack(Unpacker& in, Packed& value) {
    std::span<const std::byte> view;
    if (!in.packed(view)) return false;
    value.bytes.assign(view.begin(), view.end());
    return true;
  }
};

template <>
struct Codec<std::monostate> {
  static void pack(Packer& out, std::monostate) { out.nil(); }
  static bool unpack(Unpacker& in, std::monostate&) { return in.nil(); }
};

template <>
struct Codec<bool> {
  static void pack(Packer& out, bool value) { out.boolean(value); }
  static bool unpack(Unpacker& in, bool& value) { return in.boolean(value); }
};

// Integers, but no characters: those are not numbers.
template <typename T>
concept WireInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                      !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                      !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <WireInteger T>
struct Codec<T> {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  using Limits = std::numeric_limits<T>;

  static void pack(Packer& out, T value) { out.integer(static_cast<Wide>(value)); }
  static bool unpack(Unpacker& in, T& value) {
    Wide wide = 0;
    if constexpr (std::is_signed_v<T>) {
      if (!in.integer(wide, Limits::min(), Limits::max())) return false;
    } else {
      if (!in.integer(wide, Limits::max())) return false;
    }
    value = static_cast<T>(wide);
    return true;
  }
};

// An enum travels as its number. Whether the number is an enumerator is for the reader to check.
template <typename T>
  requires std::is_enum_v<T>
struct Codec<T> {
  using Number = std::underlying_type_t<T>;

  static void pack(Packer& out, T value) { pack_value(out, static_cast<Number>(value)); }
  static bool unpack(Unpacker& in, T& value) {
    Number number{};
    if (!unpack_value(in, number)) return false;
    value = static_cast<T>(number);
    return true;
  }
};

template <typename T>
  requires std::same_as<T, float> || std::same_as<T, double>
struct Codec<T> {
  static void pack(Packer& out, T value) { out.real(value); }
  static bool unpack(Unpacker& in, T& value) {
    double wide = 0;
    if (!in.real(wide)) return false;
    value = static_cast<T>(wide);
    return true;
  }
};

template <>
struct Codec<std::string> {
  static void pack(Packer& out, const std::string& value) { out.string(value); }
  static bool unpack(Unpacker& in, std::string& value) {
    std::string_view view;
    if (!in.string(view)) return false;
    value = view;
    return true;
  }
};

template <>
struct Codec<std::string_view> {
  static void pack(Packer& out, std::string_view value) { out.string(value); }
};
template <>
struct Codec<const char*> {
  static void pack(Packer& out, const char* value) { out.string(value); }
};
template <>
struct Codec<char*> : Codec<const char*> {};
template <std::size_t n>
struct Codec<char[n]> : Codec<const char*> {};

template <std::size_t extent>
struct Codec<std::span<const std::byte, extent>> {
  static void pack(Packer& out, std::span<const std::byte> value) { out.bytes(value); }
};

template <>
struct Codec<std::vector<std::byte>> {
  static void pack(Packer& out, const std::vector<std::byte>& value) { out.bytes(value); }
  static bool unpack(Unpacker& in, std::vector<std::byte>& value) {
    std::span<const std::byte> view;
    if (!in.bytes(view)) return false;
    value.assign(view.begin(), view.end());
    return true;
  }
};

template <std::size_t n>
struct Codec<std::array<std::byte, n>> {
  static void pack(Packer& out, const std::array<std::byte, n>& value) { out.bytes(value); }
  static bool unpack(Unpacker& in, std::array<std::byte, n>& value) {
    std::span<const std::byte> view;
    if (!in.bytes(view)) return false;
    if (view.size() != n) {
      return in.fail("expected " + std::to_string(n) + " bytes, got " +
                     std::to_string(view.size()));
    }
    std::copy(view.begin(), view.end(), value.begin());
    return true;
  }
};

template <typename T>
struct Codec<std::vector<T>> {
  static void pack(Packer& out, const std::vector<T>& value) {
    out.array(value.size());
    for (const auto& element : value) pack_value<T>(out, element);
  }
  static bool unpack(Unpacker& in, std::vector<T>& value) {
    std::uint32_t elements = 0;
    if (!in.array(elements)) return false;
    value.clear();
    // What a peer declares costs it a byte per element, and us sizeof(T): pay as it arrives.
    value.reserve(std::min(elements, kReservedMax));
    for (std::uint32_t i = 0; i < elements; ++i) {
      T element{};
      if (!unpack_value(in, element)) return in.fail_in("element " + std::to_string(i + 1));
      value.push_back(std::move(element));
    }
    return true;
  }

 private:
  static constexpr std::uint32_t kReservedMax = 1024;
};

template <typename T, std::size_t n>
struct Codec<std::array<T, n>> {
  static void pack(Packer& out, const std::array<T, n>& value) {
    out.array(n);
    for (const T& element : value) pack_value(out, element);
  }
  static bool unpack(Unpacker& in, std::array<T, n>& value) {
    std::uint32_t elements = 0;
    if (!in.array(elements)) return false;
    if (elements != n) {
      return in.fail("expected array of " + std::to_string(n) + ", got " +
                     std::to_string(elements));
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!unpack_value(in, value[i])) return in.fail_in("element " + std::to_string(i + 1));
    }
    return true;
  }
};

template <typename Key, typename Value>
struct Codec<std::map<Key, Value>> {
  static void pack(Packer& out, const std::map<Key, Value>& value) {
    out.map(value.size());
    for (const auto& [key, mapped] : value) {
      pack_value(out, key);
      pack_value(out, mapped);
    }
  }
  static bool unpack(Unpacker& in, std::map<Key, Value>& value) {
    std::uint32_t pairs = 0;
    if (!in.map(pairs)) return false;
    value.clear();
    for (std::uint32_t i = 0; i < pairs; ++i) {
      Key key{};
      Value mapped{};
      if (!unpack_value(in, key)) return in.fail_in("key " + std::to_string(i + 1));
      if (!unpack_value(in, mapped)) return in.fail_in("value " + std::to_string(i + 1));
      if (!value.emplace(std::move(key), std::move(mapped)).second) {
        return in.fail("key " + std::to_string(i + 1) + " comes twice");
      }
    }
    return true;
  }
};

template <typename T>
struct Codec<std::optional<T>> {
  static void pack(Packer& out, const std::optional<T>& value) {
    value ? pack_value(out, *value) : out.nil();
  }
  static bool unpack(Unpacker& in, std::optional<T>& value) {
    value.reset();
    return in.take_nil() || unpack_value(in, value.emplace());
  }
};

}  // namespace coracle::net

#include "net/codec_fields.h"  // tuples, pairs and structs
