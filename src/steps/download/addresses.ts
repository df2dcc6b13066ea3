import { BlockList, isIP } from 'node:net';

/** Whose network an address belongs to: its own link's, this machine's or its site's, or everybody's. */
export type Reach = 'link' | 'local' | 'public';

const list = (...subnets: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList => {
  const all = new BlockList();
  for (const subnet of subnets) all.addSubnet(...subnet);
  return all;
};

/** Where clouds keep their machines' credentials (169.254.169.254, fd00:ec2::254), and nobody a model. */
const link = list(
  ['169.254.0.0', 16, 'ipv4'],
  ['64:ff9b::a9fe:0', 112, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
);
const local = list(
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
);

/** The reach of an IP address; of an IPv6 address that stands for an IPv4 one, that one's. */
export function reachOf(address: string): Reach {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4';
  // BlockList looks through ::ffff:10.0.0.1 by itself.
  if (link.check(bare, family)) return 'link';
  return local.check(bare, family) ? 'local' : 'public';
}
