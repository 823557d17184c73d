import { describe, expect, it } from 'vitest';
import { imageProblem } from './image.ts';
import { defaultImage } from './layout.ts';

describe('imageProblem', () => {
  it.each([
    defaultImage,
    'tailscale/tailscale',
    'tailscale/tailscale:latest',
    'tailscale/tailscale:v1.98',
    'tailscale/tailscale:1.100.2',
    'tailscale/tailscale:v2.0.0',
    'registry.example:5000/tailscale',
    'tailscale/tailscale@sha256:0123',
    'tailscale/tailscale:v1.102.3@sha256:0123',
  ])('lets %s be', (image) => {
    expect(imageProblem(image)).toBeUndefined();
  });

  it.each(['tailscale/tailscale:v1.97.9', 'tailscale/tailscale:1.80', 'r:5000/t:v1.8.0-alpine', 'tailscale/tailscale:v1.96.1@sha256:0123'])(
    'refuses %s, whose proxies could not ask for another key',
    (image) => {
      expect(imageProblem(image)).toMatchObject({ reason: 'ImageTooOld' });
    },
  );
});
