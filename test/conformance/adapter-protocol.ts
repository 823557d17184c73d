/** The adapter interface of the public xDS conformance suite (ii/xds-test-harness), package `adapter`: our own writing of its fields. */
import type { MethodDefinition } from '@grpc/grpc-js';
import pb from 'protobufjs/light.js';

const string = (id: number) => ({ type: 'string', id });
const success = { fields: { success: { type: 'bool', id: 1 } } };

const root = pb.Root.fromJSON({
  nested: {
    adapter: {
      nested: {
        Any: { fields: { typeUrl: string(1), value: { type: 'bytes', id: 2 } } },
        SetStateRequest: { fields: { node: string(1), version: string(2), resources: { rule: 'repeated', type: 'Any', id: 3 } } },
        SetStateResponse: success,
        clearStateRequest: { fields: { node: string(1) } },
        clearStateResponse: { fields: { response: string(1) } },
        ResourceRequest: { fields: { node: string(1), typeUrl: string(2), resourceName: string(3), version: string(4) } },
        UpdateResourceResponse: success,
        AddResourceResponse: success,
        RemoveResourceResponse: success,
      },
    },
  },
});

export type SetStateRequest = {
  readonly node: string;
  readonly version: string;
  /** Messages that hold nothing but their name. */
  readonly resources: readonly { readonly typeUrl: string; readonly value: Uint8Array }[];
};
export type ClearStateRequest = { readonly node: string };
export type ResourceRequest = { readonly node: string; readonly typeUrl: string; readonly resourceName: string; readonly version: string };
export type Success = { readonly success: boolean };
export type Cleared = { readonly response: string };

const method = <I extends object, O extends object>(name: string, input: string, output: string): MethodDefinition<I, O> => {
  const codec = (type: string) => {
    const message = root.lookupType(`adapter.${type}`);
    return {
      write: (value: object): Buffer => Buffer.from(message.encode(message.fromObject(value)).finish()),
      read: (bytes: Buffer): object => message.toObject(message.decode(bytes), { defaults: true }),
    };
  };
  const [request, response] = [codec(input), codec(output)];
  return {
    path: `/adapter.Adapter/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.write,
    requestDeserialize: (bytes) => request.read(bytes) as I,
    responseSerialize: response.write,
    responseDeserialize: (bytes) => response.read(bytes) as O,
  };
};

export const adapterMethods = {
  setState: method<SetStateRequest, Success>('SetState', 'SetStateRequest', 'SetStateResponse'),
  clearState: method<ClearStateRequest, Cleared>('ClearState', 'clearStateRequest', 'clearStateResponse'),
  updateResource: method<ResourceRequest, Success>('UpdateResource', 'ResourceRequest', 'UpdateResourceResponse'),
  addResource: method<ResourceRequest, Success>('AddResource', 'ResourceRequest', 'AddResourceResponse'),
  removeResource: method<ResourceRequest, Success>('RemoveResource', 'ResourceRequest', 'RemoveResourceResponse'),
};
