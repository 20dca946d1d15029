"""A camera that nobody has to hold: what a webcam makes of a code on a telephone's screen, frame by frame, for Chromium's fake camera.

Modelled: distance and focal length, tilt and rotation, the pixel grid of the screen, defocus of a fixed lens, motion blur, sampling, uneven
light, a glare spot, loss of contrast, noise, the colour mosaic of the sensor, JPEG. Not modelled: rolling shutter, dimming by flicker,
hunting autofocus, scratched glass, hands that shake. Figures made with it compare designs; they promise nothing about one device.

``.mjpeg`` is a plain row of JPEG pictures, which Chromium plays at 30 a second and begins again at the end
(``--use-file-for-fake-video-capture``); the file may be replaced between two openings of the camera.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Grey = NDArray[np.float32]
FRAMES_A_SECOND = 30
_FINE = 2  # what is seen is drawn so many times finer than the sensor, then averaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One kind of camera and of light. Angles in degrees, ``blur`` and ``motion`` in sensor pixels, the rest as parts of full white.

    ``view`` is the horizontal angle of view, ``focus`` the distance in metres that the fixed lens is sharp at, ``aperture`` in metres.
    """

    name: str
    width: int = 1280
    height: int = 720
    view: float = 65.0
    focus: float = 0.7
    aperture: float = 0.8e-3
    tilt: float
    rotation: float
    blur: float
    motion: float
    noise: float
    jpeg: int
    glare: float
    glare_often: float
    gradient: float
    contrast: float
    grid: float

    @property
    def focal(self) -> float:
        """The focal length in sensor pixels."""
        return self.width / (2 * math.tan(math.radians(self.view / 2)))

    def defocus(self, distance: float) -> float:
        """Standard deviation of the blur at ``distance`` metres, in sensor pixels."""
        return math.hypot(self.blur, self.aperture * abs(1 / distance - 1 / self.focus) * self.focal / 4)

    def pixels(self, millimetres: float, distance: float) -> float:
        """How many sensor pixels ``millimetres`` cover at ``distance`` metres."""
        return millimetres / 1_000 / distance * self.focal


MEDIOCRE = Camera(
    name="mediocre",
    tilt=15,
    rotation=15,
    blur=0.55,
    motion=2.0,
    noise=0.04,
    jpeg=70,
    glare=0.5,
    glare_often=0.4,
    gradient=0.5,
    contrast=0.7,
    grid=0.20,
)
POOR = Camera(
    name="poor",
    tilt=22,
    rotation=25,
    blur=0.9,
    motion=3.0,
    noise=0.06,
    jpeg=50,
    glare=0.9,
    glare_often=0.6,
    gradient=0.8,
    contrast=0.5,
    grid=0.30,
)


def shoot(screen: Image.Image, camera: Camera, *, millimetres: float, distance: float, seed: int) -> bytes:
    """One frame, JPEG. ``screen`` is what is shown, ``millimetres`` wide; pose, light and noise follow from ``seed``."""
    dice = np.random.default_rng(seed)
    patch, left, top = _seen(screen, camera, millimetres, distance, dice)
    frame = np.full((camera.height, camera.width), 0.12, np.float32)
    height, width = patch.shape
    frame[top : top + height, left : left + width] = patch
    return _sensor(_light(frame, camera, (left + width / 2, top + height / 2), camera.pixels(millimetres, distance), dice), camera, dice)


def film(
    screens: Sequence[Image.Image], camera: Camera, *, millimetres: float, distance: float, hold: int = 6, seed: int = 0
) -> Iterator[bytes]:
    """The frames of one round through ``screens``, each shown for ``hold`` frames; the first of each is half the one before."""
    before = screens[-1]
    for number, screen in enumerate(screens):
        mixed = Image.blend(before.convert("L").resize(screen.size), screen.convert("L"), 0.5) if len(screens) > 1 else screen
        for step in range(hold):
            at = number * hold + step
            yield shoot(screen if step else mixed, camera, millimetres=millimetres, distance=distance, seed=seed + at // 8)
        before = screen


def _seen(screen: Image.Image, camera: Camera, millimetres: float, distance: float, dice: np.random.Generator) -> tuple[Grey, int, int]:
    """The screen as the lens throws it on the sensor, in a rectangle around it, and where that stands."""
    size = camera.pixels(millimetres, distance)
    picture = _lit(screen, size, camera.grid)
    side = min(int(size * 1.6) + 24, camera.width - 2, camera.height - 2) & ~1
    corners = _pose(size * _FINE, size * _FINE * screen.height / screen.width, camera, dice) + side * _FINE / 2
    flat = Image.fromarray((picture * 255).astype(np.uint8))
    seen = flat.transform(
        (side * _FINE, side * _FINE),
        Image.Transform.PERSPECTIVE,
        _coefficients(corners, flat.width, flat.height),
        Image.Resampling.BILINEAR,
        fillcolor=30,
    )
    seen = seen.filter(ImageFilter.GaussianBlur(camera.defocus(distance) * _FINE))
    moved = _move(np.asarray(seen, np.float32) / np.float32(255), dice.uniform(0, camera.motion) * _FINE, dice.uniform(0, math.pi))
    patch = moved.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3)).astype(np.float32)
    spare_x, spare_y = camera.width - side, camera.height - side
    left = int(spare_x / 2 + dice.uniform(-1, 1) * min(spare_x / 2, 0.04 * camera.width))
    top = int(spare_y / 2 + dice.uniform(-1, 1) * min(spare_y / 2, 0.04 * camera.height))
    return patch, left, top


def _lit(screen: Image.Image, size: float, grid: float) -> Grey:
    """The light of the screen, three times finer than the sensor at least, with the dark lines between its pixels."""
    scale = max(1, round(size * 3 / screen.width))
    large = screen.convert("L").resize((screen.width * scale, screen.height * scale), Image.Resampling.NEAREST)
    light = 0.03 + 0.97 * np.asarray(large, np.float32) / 255
    pitch = max(2.0, large.width / 1_000)  # a code as wide as the telephone covers about a thousand of its pixels
    lines = 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(large.width, dtype=np.float32) / pitch)
    rows = 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(large.height, dtype=np.float32) / pitch)
    lit: Grey = light * (1 - grid * lines)[None, :] * (1 - 0.6 * grid * rows)[:, None]
    return lit


def _pose(width: float, height: float, camera: Camera, dice: np.random.Generator) -> NDArray[np.float64]:
    """The four corners on the sensor, around 0: turned about three axes, then seen in perspective."""
    a, b, c = (math.radians(dice.uniform(-1, 1) * most) for most in (camera.tilt, camera.tilt, camera.rotation))
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * [width / 2, height / 2, 0]
    turned = corners @ (about_z @ about_y @ about_x).T
    away = 1.1 * camera.width * _FINE
    flat: NDArray[np.float64] = turned[:, :2] * (away / (away + turned[:, 2]))[:, None]
    return flat


def _coefficients(corners: NDArray[np.float64], width: int, height: int) -> list[float]:
    """Pillow's eight numbers: for each place on the sensor, which place of the picture is seen there."""
    source = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    found: list[float] = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return found


def _move(light: Grey, length: float, direction: float) -> Grey:
    """Smeared along ``direction`` by ``length`` pixels."""
    steps = round(length)
    if steps < 2:
        return light
    offsets = [(round(step * math.sin(direction)), round(step * math.cos(direction))) for step in np.linspace(-steps / 2, steps / 2, steps)]
    smeared: Grey = np.mean([np.roll(light, offset, axis=(0, 1)) for offset in offsets], axis=0).astype(np.float32)
    return smeared


def _light(frame: Grey, camera: Camera, centre: tuple[float, float], size: float, dice: np.random.Generator) -> Grey:
    """Uneven light over the frame, sometimes a spot of glare on the code, and a narrow range from black to white."""
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32)
    angle = dice.uniform(0, 2 * math.pi)
    slope = (columns / camera.width - 0.5) * math.cos(angle) + (rows / camera.height - 0.5) * math.sin(angle)
    frame = frame * (1 + camera.gradient * slope)
    if dice.random() < camera.glare_often:
        x, y = (middle + dice.uniform(-0.5, 0.5) * size for middle in centre)
        radius = size * dice.uniform(0.08, 0.16)
        frame = frame + camera.glare * np.exp(-(((columns - x) / (1.6 * radius)) ** 2 + ((rows - y) / radius) ** 2))
    lit: Grey = (0.5 - camera.contrast / 2 + frame * camera.contrast).astype(np.float32)
    return lit


def _sensor(light: Grey, camera: Camera, dice: np.random.Generator) -> bytes:
    """Noise, the mosaic of red, green and blue, what the camera makes of it, and JPEG."""
    noisy = light + dice.standard_normal(light.shape, np.float32) * np.sqrt(np.clip(light, 0.02, 1)) * camera.noise
    raw = np.clip(noisy * 255, 0, 255).astype(np.float32)
    out = io.BytesIO()
    Image.fromarray(_colours(raw)).save(out, "JPEG", quality=camera.jpeg)
    return out.getvalue()


def _colours(raw: Grey) -> NDArray[np.uint8]:
    """Each colour was measured at some pixels only (blue at even rows and columns, red at odd ones); the others are averaged."""
    rows, columns = np.indices(raw.shape)
    blue, red = (rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)
    channels = [_fill(raw, sites) for sites in (red, ~(red | blue), blue)]
    return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def _fill(raw: Grey, sites: NDArray[np.bool_]) -> Grey:
    values, weights = np.where(sites, raw, 0), sites.astype(np.float32)
    sums, counts = _around(values), _around(weights)
    filled: Grey = np.where(sites, raw, sums / np.maximum(counts, 1e-6)).astype(np.float32)
    return filled


def _around(values: Grey) -> Grey:
    """The sum over three by three pixels, the nearer ones counting more."""
    padded = np.pad(values, 1, mode="reflect")
    across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    total: Grey = across[:-2] + 2 * across[1:-1] + across[2:]
    return total
