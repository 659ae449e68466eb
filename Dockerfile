# The service alone: no torch, no build tools, a user without rights.
#   docker build -t signtalk .
FROM node:20-slim AS web
WORKDIR /build
COPY web/ web/
RUN npm ci --prefix web --omit=dev
COPY src/signtalk/service/web/ src/signtalk/service/web/
RUN node web/vendor.mjs

FROM python:3.12-slim AS wheel
WORKDIR /build
COPY pyproject.toml setup.py README.md LICENSE ./
COPY src/ src/
COPY --from=web /build/src/signtalk/service/web/vendor/ src/signtalk/service/web/vendor/
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
RUN useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin signtalk \
    && mkdir /index && chown signtalk /index
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheels/ /wheels/
RUN pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /wheels/*.whl)[serve]" && rm -r /wheels /tmp/constraints.txt
USER signtalk
# Compiled functions are kept where the user may write.
ENV NUMBA_CACHE_DIR=/tmp/numba OMP_NUM_THREADS=2 PYTHONUNBUFFERED=1
VOLUME /index
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["signtalk", "serve", "--host", "0.0.0.0", "--index", "/index"]
CMD ["/bundle/sign_encoder_bundle.zip"]
