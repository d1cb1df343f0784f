// A drawing pad. Python hears the drawing as a PNG when the pen is lifted, and `null` once the pad is empty.

import { component } from "./mounting.js"

const SIDE = 280
const kept = new Map() // what is drawn on each pad, also while another page is shown in this tab
const HTML = `
  <canvas width="${SIDE}" height="${SIDE}" role="img" aria-label="Drawing pad"></canvas>
  <div class="tools">
    <div class="row" role="group" aria-label="Pen">
      <button type="button" class="pen" aria-pressed="true">Pen</button>
      <button type="button" class="eraser" aria-pressed="false">Eraser</button>
      <button type="button" class="paper">Swap colours</button>
    </div>
    <label>Width <input type="range" class="width" min="4" max="48" step="2" aria-label="Pen width"></label>
    <div class="row"><button type="button" class="undo">Undo</button><button type="button" class="clear">Clear</button></div>
  </div>`

class Pad {
  constructor(root) {
    this.root = root
    this.canvas = root.querySelector("canvas")
    this.context = this.canvas.getContext("2d")
    this.strokes = [] // {points, width, erases}
    this.erases = false
    const on = (name, act) => (this.find(name).onclick = act)
    on(".pen", () => this.take(false))
    on(".eraser", () => this.take(true))
    on(".undo", () => this.change(() => this.strokes.pop()))
    on(".clear", () => this.change(() => (this.strokes = [])))
    on(".paper", () => this.change(() => (this.dark = !this.dark)))
    this.find(".width").value = 22
    this.draws()
  }

  find(selector) {
    return this.root.querySelector(selector)
  }

  hear(component) {
    this.component = component
    const { dark, name } = component.data
    if (this.wanted === dark) return
    const former = this.wanted === undefined ? kept.get(name) : undefined
    this.name = name
    this.wanted = this.dark = dark
    if (former?.strokes.length) Object.assign(this, former)
    this.change(() => {}, this.strokes.length > 0)
  }

  take(erases) {
    this.erases = erases
    this.find(".pen").setAttribute("aria-pressed", !erases)
    this.find(".eraser").setAttribute("aria-pressed", erases)
  }

  draws() {
    const { canvas } = this
    const at = (event) => {
      const area = canvas.getBoundingClientRect()
      return [((event.clientX - area.left) * SIDE) / area.width, ((event.clientY - area.top) * SIDE) / area.height]
    }
    canvas.onpointerdown = (event) => {
      if (event.button !== 0 || this.pointer !== undefined) return
      event.preventDefault()
      canvas.setPointerCapture(event.pointerId)
      this.pointer = event.pointerId
      this.strokes.push({ points: [at(event)], width: Number(this.find(".width").value), erases: this.erases })
      this.paint()
    }
    canvas.onpointermove = (event) => {
      if (event.pointerId !== this.pointer) return
      // A fast pen moves several times between two frames.
      const events = event.getCoalescedEvents?.() ?? []
      this.strokes.at(-1).points.push(...(events.length ? events : [event]).map(at))
      this.paint()
    }
    canvas.onpointerup = canvas.onpointercancel = (event) => {
      if (event.pointerId !== this.pointer) return
      this.pointer = undefined
      this.send()
    }
  }

  change(act, sends = true) {
    act()
    this.paint()
    if (sends) this.send()
  }

  paint() {
    const { context, dark } = this
    const [paper, ink] = dark ? ["#000", "#fff"] : ["#fff", "#000"]
    context.fillStyle = paper
    context.fillRect(0, 0, SIDE, SIDE)
    context.lineCap = context.lineJoin = "round"
    for (const { points, width, erases } of this.strokes) {
      context.strokeStyle = erases ? paper : ink
      context.lineWidth = width
      context.beginPath()
      context.moveTo(...points[0])
      for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point)
      context.stroke()
    }
    for (const name of [".undo", ".clear"]) this.find(name).disabled = !this.strokes.length
  }

  send() {
    kept.set(this.name, { strokes: this.strokes, dark: this.dark })
    const drawing = this.strokes.some((stroke) => !stroke.erases) ? this.canvas.toDataURL("image/png") : null
    this.component.setStateValue("drawing", drawing)
  }
}

export default component("pad", (root) => {
  root.innerHTML = HTML
  return new Pad(root)
})
