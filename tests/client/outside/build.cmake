# Installs libpawl into an empty prefix and builds a program of somebody else's against it, once through CMake and
# once through pkg-config. The prefix is moved in between: what is installed must not know where it was put.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGV}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component client --prefix ${WORK}/first)
file(RENAME ${WORK}/first ${WORK}/prefix)

run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_COMPILER=${CXX}
  "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_BUILD_TYPE=Debug)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/outside)

file(GLOB_RECURSE pc ${WORK}/prefix/*/pawl.pc)
get_filename_component(pc_folder "${pc}" DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${pc_folder})
run(pkg-config --cflags --libs pawl)
string(STRIP "${output}" options)
separate_arguments(options)
separate_arguments(FLAGS)
run(${CXX} -std=c++23 ${FLAGS} ${SOURCE}/main.cpp ${options} -o ${WORK}/by-pkg-config)
run(${WORK}/by-pkg-config)

# The public headers stand alone, and bring neither Boost nor the heavy JSON header.
file(GLOB headers RELATIVE ${WORK}/prefix/include ${WORK}/prefix/include/pawl/*.hpp)
foreach(header IN LISTS headers)
  file(WRITE ${WORK}/one.cpp "#include <${header}>\n")
  run(${CXX} -std=c++23 -I${WORK}/prefix/include -M ${WORK}/one.cpp)
  if(output MATCHES "boost/|nlohmann/json\\.hpp")
    message(FATAL_ERROR "${header} includes ${CMAKE_MATCH_0}")
  endif()
endforeach()
