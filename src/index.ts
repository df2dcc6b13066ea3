/**
 * finn as a library: what `import 'finn'` gives to a program, and to plug-ins (docs/plugins.md). It is written out in
 * plugins/api.ts, since this file is another in what is installed (scripts/build.js).
 */
export * from './plugins/api.ts';
