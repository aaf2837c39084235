/* What the web chat stands on: its memory in this browser, keys, smaller photos, elements. */
window.doorstepChat = (() => {
  "use strict";

  function memory(room) {
    const own = {};
    const name = (key) => `doorstep.${room()}.${key}`;
    return {
      get(key) { try { return localStorage.getItem(name(key)); } catch { return own[key] ?? null; } },
      set(key, value) { own[key] = value; try { localStorage.setItem(name(key), value); return true; } catch { return false; } },
      drop(key) { delete own[key]; try { localStorage.removeItem(name(key)); } catch { /* it was only in this page */ } },
    };
  }

  function fresh(bytes) {
    const raw = crypto.getRandomValues(new Uint8Array(bytes));
    return btoa(String.fromCharCode(...raw)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  }

  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");

  function blobOf(address) {
    const [head, body] = address.split(",");
    return new Blob([Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))], { type: /data:([^;]*)/.exec(head)[1] });
  }

  /* Smaller before it travels: a slow phone sends 300 KB and not 8 MB. What cannot be drawn here goes as it is. */
  async function smaller(file) {
    try {
      const image = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, 1600 / Math.max(image.width, image.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(image.width * scale);
      canvas.height = Math.round(image.height * scale);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/jpeg", 0.82);
    } catch {
      return new Promise((done) => {
        const reader = new FileReader();
        reader.onload = () => done(reader.result);
        reader.onerror = () => done("");
        reader.readAsDataURL(file);
      });
    }
  }

  function el(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function linked(node, text) {
    let from = 0;
    for (const found of text.matchAll(/https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g)) {
      node.append(text.slice(from, found.index));
      const link = el("a", "", found[0]);
      link.href = found[0]; link.target = "_blank"; link.rel = "noopener noreferrer"; link.style.color = "inherit";
      node.append(link);
      from = found.index + found[0].length;
    }
    node.append(text.slice(from));
  }

  return { memory, fresh, newKey, blobOf, smaller, el, linked };
})();
