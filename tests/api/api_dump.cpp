// Prints the route table and the table of problems as JSON, for check_openapi.py.
#include <cstdio>
#include <string>

#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"

namespace api = pawl::http::api;

int main() {
  std::string out;
  {
    api::ObjectWriter object(out);
    object.list("routes", api::routes(), [&out](const api::Route& route) {
      api::ObjectWriter item(out);
      item.text("method", api::name_of(route.method));
      item.text("path", route.pattern);
      item.text("operationId", route.operation_id);
      item.text("body", route.body == api::BodyUse::none       ? "none"
                        : route.body == api::BodyUse::optional ? "optional"
                                                               : "required");
      item.boolean("query", route.takes_query);
    });
    object.list("problems", api::problem::all, [&out](const api::ProblemType& type) {
      api::ObjectWriter item(out);
      item.text("type", std::string(pawl::wire::error::prefix).append(type.name));
      item.integer("status", type.status);
    });
    object.raw("embedded", api::openapi_json());
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
  return 0;
}
