#!/bin/sh
# Ask a running service with curl.
#
#     signtalk serve sign_encoder_bundle.zip &
#     sh examples/service_client.sh http://localhost:8000 clip.json
#
# clip.json holds the frames as MediaPipe gives them: docs/protocol.md, "A clip". `signtalk export-clips DATA
# --format json --out DIR` writes such files. With SIGNTALK_KEY set it also teaches the clip as a sentence.
set -eu
service=$1
clip=$2

echo "ready:"
curl --silent --show-error --fail "$service/readyz" && echo

echo "what it says:"
curl --silent --show-error --fail --header "Content-Type: application/json" --data-binary "@$clip" \
    "$service/v1/recognize?candidates=3" && echo

echo "clips of that meaning:"
curl --silent --show-error --fail --header "Content-Type: application/json" \
    --data '{"text": "where does it hurt", "limit": 3}' "$service/v1/search" && echo

if [ -n "${SIGNTALK_KEY:-}" ]; then
    echo "taught:"
    { printf '{"text": "The pump beeps", "clips": ['; cat "$clip"; printf ']}'; } |
        curl --silent --show-error --fail --header "Authorization: Bearer $SIGNTALK_KEY" \
            --header "Content-Type: application/json" --data-binary @- "$service/v1/enroll"
fi
