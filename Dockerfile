# syntax=docker/dockerfile:1
# The image runs compiled sources, as the npm package does: stripping types while it runs would keep 27 MB for the parser.
ARG NODE_IMAGE=node:24-bookworm-slim
# Any image with Node 24 as its entry's interpreter will do, one without a shell too.
ARG RUNTIME_IMAGE=${NODE_IMAGE}

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
RUN npm ci --ignore-scripts && npm cache clean --force
COPY bootstrap bootstrap
COPY xds xds
COPY controllers controllers
COPY src src
RUN npm run build

FROM ${RUNTIME_IMAGE}
WORKDIR /app
ENV NODE_ENV=production
# What is encoded comes and goes beside the heap, in blocks of all sizes: glibc would keep 30 MB of what was freed, in an arena for each thread, and as much
# again between blocks that are in use, were large ones not mapped by themselves.
ENV MALLOC_ARENA_MAX=1
ENV MALLOC_TRIM_THRESHOLD_=131072
ENV MALLOC_MMAP_THRESHOLD_=32768
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE NOTICE ./
COPY proto proto
COPY crds crds
COPY --from=build /app/dist dist
# nobody: needs no entry in /etc/passwd, and nothing below / is written to.
USER 65534:65534
EXPOSE 18000 8080
# A small young generation, and an old one that is collected from 150 MB on: rarely, and with 278 MB at most with 5,000 routes and 100
# Envoys in half an hour (docs/decisions/0009-heap.md, npm run bench:memory).
# One thread collects beside the one that works, and what survives in the young generation is copied by that one itself: where cores are busy, more
# helpers take their turns with the rest of the program, which waits for them (npm run bench:churn).
ENTRYPOINT ["node", "--max-semi-space-size=4", "--initial-old-space-size=150", "--heap-growing-percent=20", "--no-parallel-scavenge", "--v8-pool-size=1", "/app/dist/src/main.js"]
CMD ["serve", "--config-dir", "/etc/tailplane", "--xds-address", "0.0.0.0:18000", "--http-address", "0.0.0.0:8080"]
