#include "broker/http/api/handlers.h"

// The assembler puts the file into the read-only data as it is: no array in source text, no time to compile
// it.
__asm__(
    ".pushsection .rodata\n"
    ".global pawl_openapi_begin\n"
    ".global pawl_openapi_end\n"
    "pawl_openapi_begin:\n"
    ".incbin \"" PAWL_OPENAPI_JSON
    "\"\n"
    "pawl_openapi_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char pawl_openapi_begin[];
extern const char pawl_openapi_end[];
}

namespace pawl::http::api {

std::string_view openapi_json() { return {pawl_openapi_begin, pawl_openapi_end}; }

}  // namespace pawl::http::api
