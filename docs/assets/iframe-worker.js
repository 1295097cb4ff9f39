// Search in pages that are opened from a folder: a file:// page may not start a worker, and the search is one.
// A hidden frame runs the worker's script instead, and passes its messages on.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #inside;
    #loaded;

    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.#inside = frame.contentWindow;
      this.#inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = this.#inside.document.createElement("script");
      script.src = url;
      this.#loaded = new Promise((resolve) => (script.onload = resolve));
      this.#inside.document.head.append(script);
    }

    postMessage(data) {
      // In the order of the calls, once the script listens.
      this.#loaded.then(() => this.#inside.dispatchEvent(new this.#inside.MessageEvent("message", { data })));
    }
  };
}
