namespace Schane.Data.Reading;

/// <summary>The eight EXIF orientations (EXIF 2.32, tag 0x0112): how the stored rows and columns turn into the upright picture.</summary>
internal static class Orientation
{
    /// <summary>Whether width and height change places: 5 to 8.</summary>
    public static bool Swaps(int orientation) => orientation >= 5;

    /// <summary>The upright picture; the image itself for orientation 1.</summary>
    public static Image8 Apply(Image8 image, int orientation)
    {
        if (orientation is < 2 or > 8)
            return image;
        var (w, h) = (image.Width, image.Height);
        var (outW, outH) = Swaps(orientation) ? (h, w) : (w, h);
        // Where pixel (x, y) of the upright picture stands in the file: start + x · stepX + y · stepY.
        var (start, stepX, stepY) = orientation switch
        {
            2 => (w - 1, -1, w),                                          // mirrored left to right
            3 => (h * w - 1, -1, -w),                                     // turned by 180°
            4 => ((h - 1) * w, 1, -w),                                    // mirrored top to bottom
            5 => (0, w, 1),                                               // transposed
            6 => ((h - 1) * w, -w, 1),                                    // to be turned 90° clockwise
            7 => (h * w - 1, -w, -1),                                     // transposed over the other diagonal
            _ => (w - 1, w, -1),                                          // to be turned 90° counter-clockwise
        };
        var c = image.Channels;
        var pixels = new byte[image.Pixels.Length];
        for (int y = 0, to = 0; y < outH; y++)
        {
            var from = start + y * stepY;
            for (var x = 0; x < outW; x++, from += stepX)
                for (var k = 0; k < c; k++)
                    pixels[to++] = image.Pixels[from * c + k];
        }
        return new(outW, outH, c, pixels);
    }
}
