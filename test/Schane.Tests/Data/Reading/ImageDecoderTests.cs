using Schane.Data;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Reading;

public class ImageDecoderTests
{
    public static TheoryData<string> GoldenFiles =>
        [.. Directory.GetFiles(Path.Combine(GoldenImages.Own.Folder, "images")).Select(f => Path.GetFileName(f)!).Order()];

    public static TheoryData<string, string> DecodedByPil =>
        [.. GoldenImages.All.SelectMany(images =>
            images.Tensors("decoded.safetensors").Keys.Select(k => (images.Golden, k["decoded.".Length..])).Order())];

    [Theory, MemberData(nameof(DecodedByPil))]
    public void Decodes_as_PIL_does(string folder, string file)
    {
        var golden = GoldenImages.Of(folder);
        var expected = golden.Tensors("decoded.safetensors")[$"decoded.{file}"];
        var image = PixelRows.WithChannels(ImageDecoder.DecodeFile(Path.Combine(golden.Folder, "images", file), orient: false), 3);
        Assert.Equal(expected.Shape, (int[])[image.Height, image.Width, 3]);
        var largest = image.Pixels.Zip(expected.Bytes, (a, b) => Math.Abs(a - b)).Max();
        Assert.InRange(largest, 0, file.EndsWith(".jpg", StringComparison.Ordinal) ? 2 : 0);
    }

    [Fact]
    public void Gray_files_have_one_channel() => Assert.Equal(1, ImageDecoder.DecodeFile(GoldenImages.Image("gray.jpg")).Channels);

    [Fact]
    public void Orientation_6_is_turned_clockwise()
    {
        var stored = ImageDecoder.DecodeFile(GoldenImages.Image("exif_orientation6.jpg"), orient: false);
        var upright = ImageDecoder.DecodeFile(GoldenImages.Image("exif_orientation6.jpg"));
        Assert.Equal((stored.Height, stored.Width), (upright.Width, upright.Height));
        // The stored left column is the upright top row, read from the bottom.
        for (var x = 0; x < upright.Width; x++)
            Assert.Equal(Pixel(stored, 0, stored.Height - 1 - x), Pixel(upright, x, 0));
    }

    // The same 2 × 3 image  1 2 / 3 4 / 5 6  upright, as each orientation stores it (EXIF 2.32, 4.6.4).
    [Theory]
    [InlineData(1, 2, new byte[] { 1, 2, 3, 4, 5, 6 })]
    [InlineData(2, 2, new byte[] { 2, 1, 4, 3, 6, 5 })]
    [InlineData(3, 2, new byte[] { 6, 5, 4, 3, 2, 1 })]
    [InlineData(4, 2, new byte[] { 5, 6, 3, 4, 1, 2 })]
    [InlineData(5, 3, new byte[] { 1, 3, 5, 2, 4, 6 })]
    [InlineData(6, 3, new byte[] { 2, 4, 6, 1, 3, 5 })]
    [InlineData(7, 3, new byte[] { 6, 4, 2, 5, 3, 1 })]
    [InlineData(8, 3, new byte[] { 5, 3, 1, 6, 4, 2 })]
    public void All_eight_orientations_give_the_upright_image(int orientation, int width, byte[] stored)
    {
        var upright = Orientation.Apply(new(width, 6 / width, 1, stored), orientation);
        Assert.Equal((2, 3), (upright.Width, upright.Height));
        Assert.Equal([1, 2, 3, 4, 5, 6], upright.Pixels);
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("\n<!DOCTYPE html><html>", "HTML")]
    [InlineData("hello, I am a text", "the text \"hello, I am a te\"")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "all zero")]
    [InlineData("%PDF-1.7", "a PDF")]
    public void A_file_that_is_no_image_is_named_with_what_it_is(string content, string expected)
    {
        var error = Assert.Throws<SchaneException>(() => ImageDecoder.Decode(System.Text.Encoding.UTF8.GetBytes(content), "cats/a.jpg"));
        Assert.Contains("'cats/a.jpg'", error.Message);
        Assert.Contains(expected, error.Message);
    }

    [Theory, MemberData(nameof(GoldenFiles))]
    public void A_file_cut_in_half_is_an_error(string file)
    {
        var bytes = File.ReadAllBytes(GoldenImages.Image(file));
        var error = Assert.Throws<SchaneException>(() => ImageDecoder.Decode(bytes.AsSpan(0, bytes.Length / 2), file));
        Assert.Contains(file, error.Message);
    }

    [Fact]
    public void A_image_of_20000_by_20000_is_refused_from_its_header()
    {
        var png = Pictures.HugePng(20000, 20000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<SchaneException>(() => ImageDecoder.Decode(png, "huge.png"));
        Assert.Contains("20000 × 20000", error.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void A_larger_limit_can_be_asked_for()
    {
        var error = Assert.Throws<SchaneException>(() =>
            ImageDecoder.DecodeFile(GoldenImages.Image("natural.png"), limits: new() { MaxPixels = 76799 }));
        Assert.Contains("76800", error.Message);
        Assert.Equal(320, ImageDecoder.DecodeFile(GoldenImages.Image("natural.png"), limits: new() { MaxPixels = 76800 }).Width);
    }

    [Fact]
    public void Sixteen_bits_keep_their_high_byte()
    {
        var image = ImageDecoder.Decode(Pictures.Png(2, 1, bits: 16, colour: 0, [0x12, 0x34, 0xAB, 0x00]), "deep.png");
        Assert.Equal([0x12, 0xAB], image.Pixels);
        var rgb = ImageDecoder.Decode(Pictures.Png(1, 1, bits: 16, colour: 2, [0x10, 0, 0x80, 0, 0xFF, 0xFF]), "deep.png");
        Assert.Equal([0x10, 0x80, 0xFF], rgb.Pixels);
    }

    [Fact]
    public void Alpha_is_dropped_and_the_colour_below_it_kept()
    {
        var image = ImageDecoder.Decode(Pictures.Png(2, 1, bits: 8, colour: 6, [200, 100, 50, 128, 10, 20, 30, 0]), "alpha.png");
        Assert.Equal([200, 100, 50, 10, 20, 30], image.Pixels);
    }

    [Theory]
    [InlineData(1, new byte[] { 1, 2, 3, 250, 251, 252, 250, 251, 252, 250, 251, 252, 1, 2, 3, 250, 251, 252 })]
    [InlineData(0, new byte[] { 1, 2, 3, 250, 251, 252, 1, 2, 3, 250, 251, 252, 1, 2, 3, 1, 2, 3 })]
    [InlineData(null, new byte[] { 1, 2, 3, 250, 251, 252, 1, 2, 3, 250, 251, 252, 1, 2, 3, 1, 2, 3 })]
    public void Transparent_pixels_of_a_gif_keep_the_colour_of_their_index(int? transparent, byte[] expected)
    {
        // 3 × 2 with a frame of 2 × 2: 0 1 / 1 0. What it leaves is of the transparent index, or of index 0.
        byte[] control = transparent is { } index ? [0x21, 0xF9, 4, 1, 0, 0, (byte)index, 0] : [];
        var image = ImageDecoder.Decode([.. "GIF89a"u8, 3, 0, 2, 0, 0x80, 0, 0, 1, 2, 3, 250, 251, 252, .. control,
            0x2C, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, 0x44, 0x02, 0x05, 0, 0x3B], "t.gif");
        Assert.Equal(expected, PixelRows.WithChannels(image, 3).Pixels);
    }

    [Fact]
    public void Cmyk_becomes_rgb()
    {
        var image = ImageDecoder.Decode(Pictures.CmykJpeg(), "print.jpg");
        Assert.Equal((8, 8, 3), (image.Width, image.Height, image.Channels));
        Assert.All(image.Pixels.Chunk(3),
            p => Assert.True(p[0] < 40 && p[1] > 215 && p[2] > 215, $"expected cyan but got {p[0]}, {p[1]}, {p[2]}"));
    }

    [Fact]
    public void A_missing_file_and_a_path_below_a_file_are_named()
    {
        Assert.Contains("nowhere.png", Assert.Throws<SchaneException>(() => ImageDecoder.DecodeFile("/no/nowhere.png")).Message);
        var below = Path.Combine(GoldenImages.Image("gray.png"), "below.png");
        Assert.Contains("below.png", Assert.Throws<SchaneException>(() => ImageDecoder.DecodeFile(below)).Message);
    }

    [Fact]
    public void Escape_codes_in_a_name_are_printed_escaped() =>
        Assert.Contains("a\\e[31m\\n.jpg", Assert.Throws<SchaneException>(() => ImageDecoder.Decode([], "a\u001b[31m\n.jpg")).Message);

    private static byte[] Pixel(Image8 image, int x, int y) => image.Pixels[((y * image.Width + x) * image.Channels)..][..image.Channels];
}
