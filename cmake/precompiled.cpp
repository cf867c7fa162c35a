// Makes the precompiled headers of cmake/precompiled.cmake: a target must have a source.
