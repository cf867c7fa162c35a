#!/bin/sh
# packages.sh NPM WEB_UI FOLDER: the packages of WEB_UI's lock file, in FOLDER, unless they are there already.
set -eu
npm=$1 web_ui=$2 folder=$3
mkdir -p "$folder"
cd "$folder"
if cmp -s "$web_ui/package-lock.json" package-lock.json && [ -e packages.stamp ]; then exit 0; fi
rm -f packages.stamp
cp "$web_ui/package.json" "$web_ui/package-lock.json" .
"$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error
touch packages.stamp
