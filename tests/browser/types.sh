#!/bin/sh
# types.sh SOURCE FOLDER: the dashboard's TypeScript against types made from docs/openapi.yaml, with FOLDER's packages.
set -eu
source=$1 folder=$2
rm -rf "$folder/types"
mkdir -p "$folder/types"
cp -R "$source/web-ui/src" "$source/web-ui/tsconfig.json" "$folder/types/"
"$folder/node_modules/.bin/openapi-typescript" "$source/docs/openapi.yaml" -o "$folder/types/src/api/schema.d.ts"
"$folder/node_modules/.bin/tsc" -p "$folder/types"
