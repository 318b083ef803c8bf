// Node has no XMLHttpRequest of its own; this package is the one that such code uses there.
globalThis.XMLHttpRequest = require("xmlhttprequest").XMLHttpRequest;
