# Every library that Pawl uses, found once. All come from Debian packages (the list is in ./dev); each may also be one
# that was built elsewhere and is named by CMAKE_PREFIX_PATH or PKG_CONFIG_PATH.

find_package(PkgConfig REQUIRED)

find_package(fmt REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(simdjson REQUIRED CONFIG)
find_package(Boost 1.81 REQUIRED)  # headers only: Asio and Beast
find_package(RocksDB REQUIRED CONFIG)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(date REQUIRED CONFIG)  # date::date-tz: zones from the system's zoneinfo
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
# Not its CMake package: that one pulls in civetweb and curl.
pkg_check_modules(prometheus_core REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
