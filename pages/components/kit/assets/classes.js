// One box per class. What was collected stays in this tab until it is imported, also while another page is shown.

import { button, ClassBox } from "./class_box.js"

const LEAST_CLASSES = 2, MOST_CLASSES = 30

let kept = null

/** Draws the boxes into `root`; `use(entries)` gets {path, blob} of all pictures. */
export function classBoxes(root, use) {
  kept ??= new ClassBoxes()
  kept.use = use
  root.append(kept.element)
  return kept
}

class ClassBoxes {
  constructor() {
    this.boxes = []
    this.former = null // the boxes before the last removal
    this.sent = null // the upload that was made of them: its id, and its pictures by path
    this.element = document.createElement("div")
    this.element.innerHTML = `<div class="classes"></div><p class="error" role="alert" hidden></p><div class="row"></div>`
    this.list = this.element.querySelector(".classes")
    this.error = this.element.querySelector("p")
    this.add = button("Add a class", () => this.addBox().name.focus())
    this.empty = button("Empty all", () => this.emptyAll())
    this.undo = button("Undo", () => this.restore())
    this.element.querySelector(".row").append(
      this.add, button("Use these pictures", () => this.finish(), "primary"), this.empty, this.undo)
    this.fill()
  }

  get hasPictures() {
    return this.boxes.some((box) => box.pictures.length)
  }
  /** The upload's id is known once all of it has arrived. */
  isSent(id) {
    this.sent.id = id
  }
  /** What became of the upload: it was imported, or the person came back because some of its files cannot be read. */
  hear({ imported, refused }) {
    if (!this.sent?.id) return
    if (imported === this.sent.id) {
      this.sent = null
      this.emptyAll()
      this.former = null
      this.update()
    } else if (refused?.upload === this.sent.id) {
      for (const file of refused.files) this.sent.pictures.get(file)?.refuse()
    }
  }
  end() {
    for (const box of this.boxes) box.closeCamera()
  }

  addBox() {
    const box = new ClassBox(() => this.update())
    box.onremove = () => {
      this.former = [...this.boxes]
      this.drop(box)
      this.update()
    }
    this.boxes.push(box)
    this.list.append(box.element)
    this.update()
    return box
  }
  drop(box) {
    box.closeCamera()
    box.element.remove()
    this.boxes.splice(this.boxes.indexOf(box), 1)
  }
  fill() {
    while (this.boxes.length < LEAST_CLASSES) this.addBox()
  }
  emptyAll() {
    const former = [...this.boxes]
    for (const box of former) this.drop(box)
    this.fill()
    this.former = former
    this.update()
  }
  restore() {
    const since = this.boxes.filter((box) => !this.former.includes(box))
    for (const box of since) if (!box.isTouched) this.drop(box)
    this.boxes = [...this.former, ...this.boxes.filter((box) => !this.former.includes(box))]
    this.list.append(...this.boxes.map((box) => box.element))
    this.former = null
    this.update()
  }
  /** After whatever changed: what was complained of may be mended. */
  update() {
    this.complain("")
    this.add.disabled = this.boxes.length >= MOST_CLASSES
    this.empty.hidden = !this.boxes.some((box) => box.isTouched)
    this.undo.hidden = !this.former
    this.boxes.forEach((box, index) => {
      box.number = index + 1
      box.remove.hidden = this.boxes.length <= LEAST_CLASSES
    })
  }
  complain(sentence) {
    this.error.textContent = sentence
    this.error.hidden = !sentence
  }
  finish() {
    const names = this.boxes.map((box) => box.folder)
    const same = names.find((name, index) => names.indexOf(name) !== index)
    const empty = this.boxes.find((box) => !box.pictures.length)
    if (same) return this.complain(`Two classes are called ${same}. Give each its own name.`)
    if (empty) {
      const remove = this.boxes.length > LEAST_CLASSES ? ", or remove the class" : ""
      return this.complain(`${empty.folder} has no pictures. Add some${remove}.`)
    }
    this.end()
    this.sent = { id: null, pictures: new Map() }
    for (const box of this.boxes) {
      box.pictures.forEach((picture, index) =>
        this.sent.pictures.set(`${box.folder}/${String(index + 1).padStart(4, "0")}-${picture.name}`, picture))
    }
    this.use([...this.sent.pictures].map(([path, { blob }]) => ({ path, blob })))
  }
}
