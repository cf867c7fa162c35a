// What Asio compiles once for TLS; the rest of it is in broker/http/boost_sources.cpp.
#include <boost/asio/ssl/impl/src.hpp>
