# Headers that nearly every source includes, parsed once for all libraries: half of the time of a clean build.
#
# A source still includes what it uses; -DPAWL_PRECOMPILED=OFF shows where one forgot to. GCC takes a precompiled header
# only with the flags that it was made with, so all code is compiled with pawl_flags and -fPIC.
option(PAWL_PRECOMPILED "Parse the common headers once" ON)

function(pawl_precompile name)
  cmake_parse_arguments(arg "" "" "HEADERS;LIBRARIES" ${ARGN})
  add_library(${name} OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled.cpp)
  target_link_libraries(${name} PRIVATE pawl_flags ${arg_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

# pawl_use_precompiled(TARGET std|fmt|test): the target's sources begin with that set's headers.
function(pawl_use_precompiled target set)
  if(PAWL_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM pawl_precompiled_${set})
  endif()
endfunction()

set(PAWL_STANDARD_HEADERS
  <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstddef> <cstdint> <cstring> <deque> <expected>
  <functional> <map> <memory> <mutex> <optional> <span> <string> <string_view> <tuple> <unordered_map> <utility> <variant>
  <vector>)

if(PAWL_PRECOMPILED)
  pawl_precompile(pawl_precompiled_std HEADERS ${PAWL_STANDARD_HEADERS})
  pawl_precompile(pawl_precompiled_fmt HEADERS ${PAWL_STANDARD_HEADERS} <fmt/format.h> LIBRARIES fmt::fmt)
  if(PAWL_TESTS)
    find_package(GTest REQUIRED CONFIG)
    pawl_precompile(pawl_precompiled_test HEADERS ${PAWL_STANDARD_HEADERS} <gtest/gtest.h> LIBRARIES GTest::gtest)
  endif()
endif()
