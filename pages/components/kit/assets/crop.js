// A frame over a picture, in the network's proportions: dragged, resized at its corners, or moved by keys. Python hears
// its place as fractions of the picture when it is let go; `null` is the picture as it is cut without a frame.

import { component } from "./mounting.js"

const SMALLEST = 12 // pixels of the picture on the page
const CORNERS = ["top left", "top right", "bottom left", "bottom right"]
const HTML = `
  <div class="stage"><img alt="" draggable="false"><div class="frame" tabindex="0" role="slider" aria-valuemin="0"
    aria-valuemax="100" aria-label="Part that the network sees. Arrow keys move it, plus and minus resize it.">
    ${CORNERS.map((corner) => `<span class="handle ${corner}" aria-hidden="true"></span>`).join("")}</div></div>
  <div class="row"><span class="small">Drag the frame or its corners.</span><button type="button">Without a frame</button></div>`

const within = (value, low, high) => Math.min(Math.max(value, low), high)

class Cropping {
  constructor(root) {
    this.root = root
    this.image = root.querySelector("img")
    this.frame = root.querySelector(".frame")
    this.image.onload = () => this.reset()
    this.root.querySelector("button").onclick = () => {
      this.chosen = false
      this.reset()
      this.send(null)
    }
    this.drags()
    this.keys()
  }

  hear(component) {
    this.component = component
    const { src, alt, aspect, box } = component.data
    if (this.src === src && this.aspect === aspect) return
    Object.assign(this, { src, aspect, given: box, chosen: box !== null })
    this.image.alt = alt
    this.image.src = src
  }

  /** The frame that was given, or the middle, as it is cut without one. In pixels of the picture itself. */
  reset() {
    const { naturalWidth: width, naturalHeight: height } = this.image
    if (this.given && this.chosen) {
      const { left, top, width: w, height: h } = this.given
      this.place({ x: left * width, y: top * height, w: w * width, h: h * height })
      return
    }
    const w = Math.min(width, height * this.aspect), h = w / this.aspect
    this.place({ x: (width - w) / 2, y: (height - h) / 2, w, h })
  }

  place(box) {
    const { naturalWidth: width, naturalHeight: height } = this.image
    this.box = box
    const share = (value, of) => `${(100 * value) / of}%`
    Object.assign(this.frame.style, {
      left: share(box.x, width), top: share(box.y, height), width: share(box.w, width), height: share(box.h, height),
    })
    this.frame.classList.toggle("chosen", this.chosen)
    const percent = (value, of) => Math.round((100 * value) / of)
    this.frame.setAttribute("aria-valuenow", percent(box.w, Math.min(width, height * this.aspect)))
    this.frame.setAttribute("aria-valuetext", `${percent(box.w, width)} % of the width, ${percent(box.x, width)} % from the left, ${percent(box.y, height)} % from the top`)
  }

  /** Of `width`, with one corner fixed at (x, y); `right` and `down` say to which sides it extends from there. */
  sized(x, y, right, down, width) {
    const { naturalWidth, naturalHeight } = this.image
    const room = Math.min(right ? naturalWidth - x : x, (down ? naturalHeight - y : y) * this.aspect)
    const w = within(width, Math.min(this.smallest(), room), room), h = w / this.aspect
    return { x: right ? x : x - w, y: down ? y : y - h, w, h }
  }

  smallest() {
    return (SMALLEST * this.image.naturalWidth) / this.image.clientWidth
  }

  moved(box, dx, dy) {
    const { naturalWidth, naturalHeight } = this.image
    return { ...box, x: within(box.x + dx, 0, naturalWidth - box.w), y: within(box.y + dy, 0, naturalHeight - box.h) }
  }

  drags() {
    const stage = this.root.querySelector(".stage")
    stage.onpointerdown = (event) => {
      if (event.button !== 0 || !this.box) return
      event.preventDefault()
      stage.setPointerCapture(event.pointerId)
      this.frame.focus({ preventScroll: true })
      const at = (e) => {
        const area = this.image.getBoundingClientRect()
        const scale = this.image.naturalWidth / area.width
        return [(e.clientX - area.left) * scale, (e.clientY - area.top) * scale]
      }
      const [x, y] = at(event), from = { ...this.box }
      const handle = event.target.closest(".handle"), inside = event.target.closest(".frame")
      // A corner is dragged with the opposite one fixed; outside of the frame, a new one begins where the pointer is.
      const fixed = handle
        ? [from.x + (handle.classList.contains("left") ? from.w : 0), from.y + (handle.classList.contains("top") ? from.h : 0)]
        : [within(x, 0, this.image.naturalWidth), within(y, 0, this.image.naturalHeight)]
      let dragged = false
      const move = (e) => {
        const [nowX, nowY] = at(e), dx = nowX - fixed[0], dy = nowY - fixed[1]
        dragged = this.chosen = true
        if (inside && !handle) this.place(this.moved(from, nowX - x, nowY - y))
        else this.place(this.sized(...fixed, dx >= 0, dy >= 0, Math.max(Math.abs(dx), Math.abs(dy) * this.aspect)))
      }
      const stop = () => {
        stage.onpointermove = stage.onpointerup = stage.onpointercancel = null
        if (dragged) this.sendBox()
      }
      Object.assign(stage, { onpointermove: move, onpointerup: stop, onpointercancel: stop })
    }
  }

  keys() {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
    this.frame.onkeydown = (event) => {
      const step = (event.shiftKey ? 0.1 : 0.02) * Math.min(this.image.naturalWidth, this.image.naturalHeight)
      const resize = { "+": 1, "=": 1, "-": -1, _: -1 }[event.key]
      if (!this.box || !(event.key in steps || resize)) return
      event.preventDefault()
      event.stopPropagation()
      this.chosen = true
      if (resize) {
        // About its middle, as far as the picture reaches.
        const { naturalWidth, naturalHeight } = this.image
        const w = within(this.box.w + 2 * resize * step, this.smallest(), Math.min(naturalWidth, naturalHeight * this.aspect))
        const h = w / this.aspect
        const grown = { x: this.box.x + (this.box.w - w) / 2, y: this.box.y + (this.box.h - h) / 2, w, h }
        this.place(this.moved(grown, 0, 0))
      } else {
        this.place(this.moved(this.box, ...steps[event.key].map((each) => each * step)))
      }
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.sendBox(), 250)
    }
  }

  sendBox() {
    const { naturalWidth: width, naturalHeight: height } = this.image
    const { x, y, w, h } = this.box
    this.send({ left: x / width, top: y / height, width: w / width, height: h / height })
  }

  send(box) {
    this.component.setStateValue("box", box)
  }
}

export default component("crop", (root) => {
  root.innerHTML = HTML
  return new Cropping(root)
})
