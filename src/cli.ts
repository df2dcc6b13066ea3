#!/usr/bin/env node
process.stdout.write('finn\n');
