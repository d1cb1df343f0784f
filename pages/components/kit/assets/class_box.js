// The box of one class: its name, and pictures from files or the camera.

import { Picture } from "./picture.js"

const EVERY_MS = 200, CAMERA_SIDE = 320, SHOWN = 60
const NO_CAMERA = "No camera can be used here. Browsers allow it on localhost and with https only. Add pictures instead."
const NOT_ALLOWED = "The browser does not let this page use the camera. Allow it in the address bar, or add pictures."

export class ClassBox {
  /** `changed()` hears of every change. */
  constructor(changed) {
    this.changed = changed
    this.pictures = []
    this.element = document.createElement("section")
    this.element.innerHTML = `
      <div class="row"><input class="name" maxlength="60"><span class="count small" role="status"></span></div>
      <div class="row actions"></div>
      <p class="error" role="alert" hidden></p>
      <div class="camera" hidden><video muted playsinline></video><div class="row"></div></div>
      <div class="thumbs"></div>
      <div class="row unreadable" hidden><span class="small" role="status"></span></div>
      <input type="file" multiple hidden>`
    const $ = (name) => this.element.querySelector(name)
    this.name = $(".name")
    this.name.oninput = () => this.changed()
    const files = $("input[type=file]")
    files.onchange = () => {
      this.addFiles(files.files)
      files.value = ""
    }
    this.remove = button("Remove", () => this.onremove())
    $(".actions").append(
      button("Add pictures", () => files.click()), button("Camera", () => this.openCamera()), this.remove)
    this.removeUnreadable = button("", () => {
      for (const picture of this.pictures.filter((each) => each.isUnreadable)) this.take(picture)
    })
    $(".unreadable").append(this.removeUnreadable)
    const record = button("Hold to record", () => {}, "primary")
    record.onpointerdown = (event) => {
      record.setPointerCapture(event.pointerId)
      this.record()
    }
    record.onpointerup = record.onpointercancel = () => this.pause()
    record.className += " record"
    record.oncontextmenu = (event) => event.preventDefault() // which a long touch would open
    // The keyboard and screen readers press: one picture each.
    record.onclick = (event) => event.detail === 0 && this.shoot()
    $(".camera .row").append(record, button("Close the camera", () => this.closeCamera()))
    this.element.ondragover = (event) => event.preventDefault()
    this.element.ondrop = (event) => {
      event.preventDefault()
      this.addFiles(event.dataTransfer.files)
    }
    this.draw()
  }

  set number(number) {
    this.name.placeholder = `Class ${number}`
    this.name.setAttribute("aria-label", `Name of class ${number}`)
  }
  /** The name of the class as a folder: what would lead elsewhere becomes a dash. */
  get folder() {
    const typed = this.name.value.trim().replace(/[/\\\u0000-\u001f]/g, "-").replace(/^\.+/, "")
    return typed || this.name.placeholder
  }
  get isTouched() {
    return this.pictures.length > 0 || this.name.value.trim() !== ""
  }
  addFiles(files) {
    for (const file of files) this.add(file, file.name)
  }
  add(blob, name) {
    const picture = new Picture(blob, name, () => this.draw())
    picture.onremove = () => {
      const next = picture.element.nextElementSibling ?? picture.element.previousElementSibling
      this.take(picture)
      next?.querySelector("button").focus()
    }
    this.pictures.push(picture)
    this.draw()
    this.changed()
  }
  take(picture) {
    this.pictures.splice(this.pictures.indexOf(picture), 1)
    picture.element.remove()
    this.draw()
    this.changed()
  }
  draw() {
    const count = this.pictures.length
    const unreadable = this.pictures.filter((each) => each.isUnreadable).length
    const thumbs = this.element.querySelector(".thumbs")
    this.element.querySelector(".count").textContent = count === 1 ? "1 picture" : `${count} pictures`
    for (const [index, each] of this.pictures.entries()) {
      if ((index < SHOWN || each.isUnreadable) && each.element.parentNode !== thumbs) thumbs.append(each.element)
    }
    const one = unreadable === 1
    this.element.querySelector(".unreadable").hidden = !unreadable
    this.element.querySelector(".unreadable span").textContent =
      unreadable ? `${one ? "1 picture" : `${unreadable} pictures`} cannot be read.` : ""
    this.removeUnreadable.textContent = one ? "Remove it" : `Remove these ${unreadable}`
  }

  async openCamera() {
    this.complain("")
    if (this.stream) return
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "environment" } })
    } catch (error) {
      return this.complain(error.name === "NotAllowedError" ? NOT_ALLOWED : NO_CAMERA)
    }
    this.element.querySelector(".camera").hidden = false
    const video = this.element.querySelector("video")
    const [track] = this.stream.getVideoTracks()
    video.classList.toggle("mirrored", track.getSettings().facingMode !== "environment")
    video.srcObject = this.stream
    await video.play()
  }
  complain(sentence) {
    this.element.querySelector(".error").textContent = sentence
    this.element.querySelector(".error").hidden = !sentence
  }
  record() {
    this.shoot()
    this.timer = setInterval(() => this.shoot(), EVERY_MS)
  }
  pause() {
    clearInterval(this.timer)
  }
  shoot() {
    const video = this.element.querySelector("video")
    const side = Math.min(video.videoWidth, video.videoHeight)
    if (!side) return
    const canvas = document.createElement("canvas")
    canvas.width = canvas.height = Math.min(side, CAMERA_SIDE)
    const [x, y] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2]
    canvas.getContext("2d").drawImage(video, x, y, side, side, 0, 0, canvas.width, canvas.height)
    canvas.toBlob((blob) => this.add(blob, "camera.jpg"), "image/jpeg", 0.92)
  }
  closeCamera() {
    this.pause()
    this.stream?.getTracks().forEach((track) => track.stop())
    this.stream = null
    this.element.querySelector(".camera").hidden = true
  }
}

export function button(text, onclick, kind = "") {
  const made = document.createElement("button")
  made.type = "button"
  made.className = kind
  made.textContent = text
  made.onclick = onclick
  return made
}
