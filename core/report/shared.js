"use strict";
// Draws the curves of the JSON block, and sorts tables. All text goes in as text: nothing here makes HTML of it.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = document.getElementById("charts");
  const SVG = "http://www.w3.org/2000/svg";
  const COLORS = 10, HEIGHT = 250, LEFT = 50, RIGHT = 14, TOP = 22, BOTTOM = 26, DRAG = 8;
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
  const percent = (value) => `${fixed(100 * value, 1)} %`;
  const PANELS = [
    { key: "accuracy", title: "Accuracy", text: percent, room: 0.02, top: 1, bottom: 0 },
    { key: "loss", title: "Loss", text: (value) => fixed(value, 3), room: 0.02, top: Infinity, bottom: 0 },
  ];

  const make = (parent, name, attributes = {}, text = null) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== null) element.textContent = text;
    parent.append(element);
    return element;
  };
  const html = (parent, name, className = "", text = null) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== null) element.textContent = text;
    parent.append(element);
    return element;
  };

  if (charts !== null && data.runs.length) drawCurves();
  document.querySelectorAll("table.sortable").forEach(makeSortable);

  function drawCurves() {
    const legend = document.getElementById("legend"), values = document.getElementById("values");
    const reset = document.getElementById("reset");
    const several = data.variants.length > 0;
    const epochs = [...new Set(data.runs.flatMap((run) => run.curves.epoch))].sort((a, b) => a - b);
    const first = epochs[0], last = epochs[epochs.length - 1];
    const whole = first === last ? [first - 0.5, last + 0.5] : [first, last];
    const measureOn = data.measures.map((measure) => measure.shown);
    const variantOn = data.variants.map(() => true);
    const places = data.runs.map((run) => new Map(run.curves.epoch.map((epoch, place) => [epoch, place])));
    // How far apart the epochs of a run are: 1, or more where it was too long for all of them.
    const steps = data.runs.map(({ curves: { epoch } }) => {
      let widest = 1;
      for (let at = 1; at < epoch.length; at += 1) widest = Math.max(widest, epoch[at] - epoch[at - 1]);
      return widest;
    });
    let view = whole.slice();
    let marked = several ? last : (data.runs[0].best_epoch ?? last);
    let drag = null, frame = 0;

    const colorOf = (run, measure) => (several ? run.variant % COLORS : measure.color);
    const isOn = (run, number) => measureOn[number] && (!several || variantOn[run.variant]);
    const valueAt = (number, key, epoch) => {
      const { curves } = data.runs[number];
      let place = places[number].get(epoch);
      if (place === undefined && steps[number] > 1) {
        const near = nearest(curves.epoch, epoch);
        if (Math.abs(curves.epoch[near] - epoch) < steps[number]) place = near;
      }
      return place === undefined ? null : (curves[key][place] ?? null);
    };

    // Legend
    const toggle = (name, swatch, states, number) => {
      const button = html(legend, "button");
      button.type = "button";
      html(button, "span", `key ${swatch}`);
      button.append(` ${name}`);
      const show = () => button.setAttribute("aria-pressed", String(states[number]));
      button.addEventListener("click", () => {
        states[number] = !states[number];
        show();
        draw();
      });
      show();
    };
    data.variants.forEach((name, number) => {
      const square = Math.floor(number / COLORS) % 2 ? " square" : "";
      toggle(name, `k${number % COLORS}${square}`, variantOn, number);
    });
    data.measures.forEach((measure, number) => {
      const swatch = several ? `k7${measure.dashed ? " dash" : ""}` : `k${measure.color}`;
      toggle(measure.name, swatch, measureOn, number);
    });

    // Charts
    const panels = PANELS.map((panel) => {
      const figure = html(charts, "figure");
      html(figure, "figcaption", "", `${panel.title} by epoch`);
      const svg = make(figure, "svg", { role: "img", "aria-label": `${panel.title} by epoch` });
      const clip = make(make(make(svg, "defs"), "clipPath", { id: `clip-${panel.key}` }), "rect");
      const back = make(svg, "g"), lines = make(svg, "g", { "clip-path": `url(#clip-${panel.key})` });
      const front = make(svg, "g");
      const made = { ...panel, svg, clip, back, lines, front, width: 0, low: 0, high: 1 };
      listen(made);
      return made;
    });

    const x = (panel, epoch) => LEFT + ((epoch - view[0]) / (view[1] - view[0])) * (panel.width - LEFT - RIGHT);
    const y = (panel, value) => TOP + ((panel.high - value) / (panel.high - panel.low)) * (HEIGHT - TOP - BOTTOM);
    const epochAt = (panel, place) => {
      const share = (place - LEFT) / (panel.width - LEFT - RIGHT);
      return view[0] + Math.min(1, Math.max(0, share)) * (view[1] - view[0]);
    };

    function eachCurve(panel, draws) {
      data.runs.forEach((run, number) => {
        data.measures.forEach((measure, which) => {
          if (isOn(run, which) && run.curves[measure[panel.key]]) draws(run, measure, number);
        });
      });
    }

    function draw() {
      reset.hidden = view[0] === whole[0] && view[1] === whole[1];
      panels.forEach(drawPanel);
      drawMark();
    }

    function drawPanel(panel) {
      panel.width = Math.max(240, Math.round(panel.svg.parentElement.clientWidth));
      panel.svg.setAttribute("viewBox", `0 0 ${panel.width} ${HEIGHT}`);
      const plane = { x: LEFT - 4, y: TOP - 4, width: panel.width - LEFT - RIGHT + 8, height: HEIGHT - TOP - BOTTOM + 8 };
      for (const [key, value] of Object.entries(plane)) panel.clip.setAttribute(key, value);
      setRange(panel);
      panel.back.replaceChildren();
      panel.lines.replaceChildren();
      for (const value of ticks(panel.low, panel.high, 5)) {
        make(panel.back, "path", { class: "grid", d: `M${LEFT} ${y(panel, value).toFixed(1)}H${panel.width - RIGHT}` });
        const text = panel.key === "accuracy" ? `${fixed(100 * value, 100 * (panel.high - panel.low) < 4 ? 1 : 0)} %` : shortNumber(value, panel.high - panel.low);
        make(panel.back, "text", { x: LEFT - 6, y: (y(panel, value) + 4).toFixed(1), "text-anchor": "end" }, text);
      }
      for (const epoch of ticks(view[0], view[1], Math.max(2, Math.floor(panel.width / 80))).filter(Number.isInteger)) {
        make(panel.back, "text", { x: x(panel, epoch).toFixed(1), y: HEIGHT - 8, "text-anchor": "middle" }, String(epoch));
      }
      if (!several) {
        const [run] = data.runs;
        const isClose = run.best_epoch !== null && run.onset_epoch !== null
          && Math.abs(x(panel, run.best_epoch) - x(panel, run.onset_epoch)) < 120;
        drawLine(panel, run.best_epoch, "best", `best ${run.best_epoch}`, TOP - 8);
        drawLine(panel, run.onset_epoch, "onset", `overfitting from ${run.onset_epoch}`, isClose ? TOP + 10 : TOP - 8);
      }
      const rings = [];
      eachCurve(panel, (run, measure) => {
        const color = colorOf(run, measure), key = measure[panel.key];
        const path = pathOf(panel, run.curves.epoch, run.curves[key]);
        const kind = measure.dashed ? "dash" : several ? "many" : "drawn";
        if (path) make(panel.lines, "path", { class: `${kind} s${color}`, d: path, "data-curve": key });
        const best = places[data.runs.indexOf(run)].get(run.best_epoch);
        const value = best === undefined ? null : run.curves[key][best];
        if (key.startsWith("val_") && value !== null) rings.push([run.best_epoch, value, color]);
      });
      for (const [epoch, value, color] of rings) {
        make(panel.lines, "circle", { class: `ring s${color}`, cx: x(panel, epoch).toFixed(1), cy: y(panel, value).toFixed(1), r: several ? 3 : 4 });
      }
    }

    function drawLine(panel, epoch, kind, text, height) {
      if (epoch === null || epoch < view[0] || epoch > view[1]) return;
      const place = x(panel, epoch), isLate = place > panel.width * 0.6;
      make(panel.back, "path", { class: kind, d: `M${place.toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}` });
      make(panel.back, "text", { class: kind, x: (place + (isLate ? -4 : 4)).toFixed(1), y: height, "text-anchor": isLate ? "end" : "start" }, text);
    }

    function setRange(panel) {
      let low = Infinity, high = -Infinity;
      eachCurve(panel, (run, measure) => {
        const curve = run.curves[measure[panel.key]];
        run.curves.epoch.forEach((epoch, place) => {
          if (epoch < view[0] || epoch > view[1] || curve[place] === null) return;
          low = Math.min(low, curve[place]);
          high = Math.max(high, curve[place]);
        });
      });
      if (low > high) [low, high] = [0, 1];
      const room = Math.max(0.05 * (high - low), (panel.room - (high - low)) / 2, 1e-6);
      panel.low = Math.max(panel.bottom, low - room);
      panel.high = Math.min(panel.top, high + room);
      if (panel.high <= panel.low) panel.high = panel.low + panel.room;
    }

    function pathOf(panel, epoch, curve) {
      let path = "", pen = false;
      for (let at = 0; at < epoch.length; at += 1) {
        const isFar = (at + 1 < epoch.length && epoch[at + 1] < view[0]) || (at > 0 && epoch[at - 1] > view[1]);
        if (curve[at] === null || isFar) {
          pen = false;
          continue;
        }
        path += `${pen ? "L" : "M"}${x(panel, epoch[at]).toFixed(1)} ${y(panel, curve[at]).toFixed(1)}${pen ? "" : "h0"}`;
        pen = true;
      }
      return path;
    }

    function drawMark() {
      for (const panel of panels) {
        panel.front.replaceChildren();
        if (drag !== null && drag.panel === panel) {
          const [from, to] = [drag.from, drag.to].sort((a, b) => a - b);
          make(panel.front, "rect", { class: "zoom", x: from, y: TOP, width: to - from, height: HEIGHT - TOP - BOTTOM });
        }
        if (marked < view[0] || marked > view[1]) continue;
        const place = x(panel, marked).toFixed(1);
        make(panel.front, "path", { class: "mark", d: `M${place} ${TOP}V${HEIGHT - BOTTOM}` });
        eachCurve(panel, (run, measure, number) => {
          const value = valueAt(number, measure[panel.key], marked);
          if (value === null) return;
          make(panel.front, "circle", { class: `dot f${colorOf(run, measure)}`, cx: place, cy: y(panel, value).toFixed(1), r: several ? 3 : 4 });
        });
      }
      say();
    }

    function say() {
      const parts = several ? sayVariants() : sayRun();
      values.replaceChildren();
      html(values, "b", "", `Epoch ${marked}`);
      for (const [swatch, text] of parts) {
        const part = html(values, "span");
        if (swatch) html(part, "span", `key ${swatch}`);
        part.append(` ${text}`);
      }
    }

    function sayRun() {
      const parts = [];
      data.measures.forEach((measure, number) => {
        if (!measureOn[number]) return;
        const said = PANELS.map((panel) => [panel, valueAt(0, measure[panel.key], marked)])
          .filter(([, value]) => value !== null)
          .map(([panel, value]) => (panel.key === "loss" ? `loss ${panel.text(value)}` : panel.text(value)));
        if (said.length) parts.push([`k${measure.color}`, `${measure.name}: ${said.join(", ")}`]);
      });
      const rate = valueAt(0, "learning_rate", marked);
      if (rate !== null) parts.push(["", `Learning rate: ${Number(rate.toPrecision(3))}`]);
      return parts;
    }

    function sayVariants() {
      const parts = [];
      data.variants.forEach((name, variant) => {
        if (!variantOn[variant]) return;
        data.measures.forEach((measure, number) => {
          if (!measureOn[number]) return;
          const said = PANELS.map((panel) => {
            const known = data.runs
              .map((run, at) => (run.variant === variant ? valueAt(at, measure[panel.key], marked) : null))
              .filter((value) => value !== null);
            return known.length ? overRuns(panel, known) : null;
          }).filter((text) => text !== null);
          if (said.length) parts.push([`k${variant % COLORS}`, `${name}, ${measure.name.toLowerCase()}: ${said.join(", ")}`]);
        });
      });
      return parts;
    }

    function overRuns(panel, known) {
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      const what = panel.key === "loss" ? "loss " : "";
      if (known.length === 1) return `${what}${panel.text(mean)} (1 run)`;
      const low = panel.text(Math.min(...known)).replace(" %", "");
      return `${what}${panel.text(mean)} (${low} to ${panel.text(Math.max(...known))}, ${known.length} runs)`;
    }

    // What a person does
    function listen(panel) {
      const place = (event) => {
        const box = panel.svg.getBoundingClientRect();
        return Math.min(panel.width - RIGHT, Math.max(LEFT, ((event.clientX - box.left) / box.width) * panel.width));
      };
      const follow = (event) => {
        if (drag !== null && drag.panel === panel) drag.to = place(event);
        marked = epochs[nearest(epochs, epochAt(panel, place(event)))];
        soon();
      };
      panel.svg.addEventListener("pointermove", follow);
      panel.svg.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        panel.svg.setPointerCapture(event.pointerId);
        drag = { panel, from: place(event), to: place(event) };
        follow(event);
      });
      panel.svg.addEventListener("pointerup", (event) => {
        if (drag === null) return;
        const [from, to] = [drag.from, place(event)].sort((a, b) => a - b);
        drag = null;
        if (to - from > DRAG) zoomTo(epochAt(panel, from), epochAt(panel, to));
        else soon();
      });
      panel.svg.addEventListener("pointercancel", () => {
        drag = null;
        soon();
      });
      panel.svg.addEventListener("dblclick", resetView);
    }

    function soon() {
      if (frame) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        drawMark();
      });
    }

    function zoomTo(low, high) {
      const middle = (low + high) / 2, least = Math.min(1, whole[1] - whole[0]);
      const half = Math.max(high - low, least) / 2;
      view = [Math.max(whole[0], middle - half), Math.min(whole[1], middle + half)];
      const shown = epochs.filter((epoch) => epoch >= view[0] && epoch <= view[1]);
      if (shown.length && !shown.includes(marked)) marked = shown[nearest(shown, marked)];
      draw();
    }

    function resetView() {
      view = whole.slice();
      draw();
    }

    function moveTo(place) {
      marked = epochs[Math.min(epochs.length - 1, Math.max(0, place))];
      const span = view[1] - view[0];
      if (marked < view[0]) view = [marked, marked + span];
      else if (marked > view[1]) view = [marked - span, marked];
      draw();
    }

    function zoomBy(factor) {
      const half = (factor * (view[1] - view[0])) / 2;
      zoomTo(marked - half, marked + half);
    }

    const KEYS = {
      ArrowLeft: (at) => moveTo(at - 1),
      ArrowRight: (at) => moveTo(at + 1),
      PageDown: (at) => moveTo(at - 10),
      PageUp: (at) => moveTo(at + 10),
      Home: () => moveTo(0),
      End: () => moveTo(epochs.length - 1),
      "+": () => zoomBy(0.5),
      "-": () => zoomBy(2),
      Escape: resetView,
    };
    charts.addEventListener("keydown", (event) => {
      const act = KEYS[event.key];
      if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act(epochs.indexOf(marked));
    });
    reset.addEventListener("click", () => {
      resetView();
      charts.focus();
    });
    document.querySelectorAll(".only-drawn").forEach((element) => {
      element.hidden = false;
    });
    new ResizeObserver(() => {
      if (panels.some((panel) => panel.width !== Math.max(240, Math.round(panel.svg.parentElement.clientWidth)))) draw();
    }).observe(charts);
    draw();
  }

  function nearest(sorted, value) {
    let best = 0;
    sorted.forEach((each, place) => {
      if (Math.abs(each - value) < Math.abs(sorted[best] - value)) best = place;
    });
    return best;
  }

  // Round numbers from low to high, about `count` of them.
  function ticks(low, high, count) {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
    const found = [];
    for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at += 1) found.push(Number((at * step).toPrecision(12)));
    return found;
  }

  function shortNumber(value, span) {
    return Math.abs(value) >= 1e4 ? value.toExponential(0) : fixed(value, span < 0.1 ? 3 : span < 1 ? 2 : 1);
  }

  function makeSortable(table) {
    const [body] = table.tBodies;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const name = head.textContent;
      head.textContent = "";
      const button = html(head, "button", "", name);
      button.type = "button";
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        [...table.tHead.rows[0].cells].forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const keyed = [...body.rows].map((row) => [keyOf(row.cells[column]), row]);
        keyed.sort(([one], [other]) => {
          if (one === null || other === null) return (one === null) - (other === null); // unknown last, both ways
          const order = typeof one === "number" ? one - other : one.localeCompare(other, "en", { numeric: true });
          return down ? -order : order;
        });
        body.append(...keyed.map(([, row]) => row));
      });
    });
  }

  function keyOf(cell) {
    const value = cell.getAttribute("data-value");
    if (value === null) return cell.textContent.trim();
    return value === "" ? null : Number(value);
  }
})();
