// Asio and Beast as one compiled piece, instead of inline in every source.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
