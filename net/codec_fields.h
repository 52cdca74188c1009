// The part of codec.h for types of several fields: std::pair, std::tuple, structs with fields().
// Include codec.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "net/codec.h"

namespace coracle::net {

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

// Returns how many of these fields a reader insists on: all but the optional ones at the end.
template <typename... Field>
[[nodiscard]] constexpr std::size_t required_fields() {
  std::size_t required = 0;
  std::size_t index = 0;
  ((++index, required = is_optional<Field> ? required : index), ...);
  return required;
}

// Appends an array of the fields.
template <typename... Field>
void pack_fields(Packer& out, const std::tuple<Field&...>& fields) {
  out.array(sizeof...(Field));
  std::apply([&out](const auto&... field) { (pack_value(out, field), ...); }, fields);
}

// Takes the first `present` of the fields from as many values; fields beyond become empty.
// `place(index)` names one in a failure ("field 2").
//   Returns    false after a failure.
//   Requires   present >= required_fields<Field...>().
template <typename Place, typename... Field>
bool unpack_each(Unpacker& in, std::uint32_t present, Place place,
                 const std::tuple<Field&...>& fields) {
  std::size_t index = 0;
  const auto unpack_one = [&]<typename T>(T& field) {
    if (index++ < present) {
      if (!unpack_value(in, field)) return in.fail_in(place(index));
    } else if constexpr (is_optional<T>) {
      field.reset();
    }
    return true;
  };
  return std::apply([&](auto&... field) { return (unpack_one(field) && ...); }, fields);
}

// Takes an array of the fields.
//   Returns    false after a failure.
template <typename... Field>
bool unpack_fields(Unpacker& in, const std::tuple<Field&...>& fields) {
  std::uint32_t elements = 0;
  if (!in.array(elements)) return false;
  constexpr std::size_t kRequired = required_fields<Field...>();
  if (elements < kRequired) {
    return in.fail("expected array of at least " + std::to_string(kRequired) + ", got " +
                   std::to_string(elements));
  }
  const auto place = [](std::size_t index) { return "field " + std::to_string(index); };
  if (!unpack_each(in, elements, place, fields)) return false;
  return elements <= sizeof...(Field) || in.skip(elements - sizeof...(Field));
}

template <typename... Field>
struct Codec<std::tuple<Field...>> {
  static void pack(Packer& out, const std::tuple<Field...>& value) {
    pack_fields(out, std::apply([](const auto&... field) { return std::tie(field...); }, value));
  }
  static bool unpack(Unpacker& in, std::tuple<Field...>& value) {
    return unpack_fields(in, std::apply([](auto&... f) { return std::tie(f...); }, value));
  }
};

template <typename First, typename Second>
struct Codec<std::pair<First, Second>> {
  static void pack(Packer& out, const std::pair<First, Second>& value) {
    pack_fields(out, std::tie(value.first, value.second));
  }
  static bool unpack(Unpacker& in, std::pair<First, Second>& value) {
    return unpack_fields(in, std::tie(value.first, value.second));
  }
};

template <typename T>
concept HasFields = requires(T& value, const T& constant) {
  T::fields(value);
  T::fields(constant);
};

template <HasFields T>
struct Codec<T> {
  static void pack(Packer& out, const T& value) { pack_fields(out, T::fields(value)); }
  static bool unpack(Unpacker& in, T& value) { return unpack_fields(in, T::fields(value)); }
};

}  // namespace coracle::net
