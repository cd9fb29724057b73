using System.Buffers.Binary;
using System.Text.Json;
using Google.Protobuf;
using Schane.Jobs;
using Schane.Recipes;
using Schane.Tests.Cli;

namespace Schane.Tests.Training;

public class TensorBoardTests
{
    [Fact]
    public void Events_hold_the_numbers_of_the_journal()
    {
        using var photos = Photos.OfTwoClasses();
        var (run, _) = TrainJob.Run(new Recipe
        {
            Data = photos.Data, NoRefit = true, Weights = "none", InputSize = 32, ImagesPerClass = 2, Steps = 5, Threads = 1,
            Tensorboard = true
        },
            new() { Folder = photos.Run });
        var events = Read(File.ReadAllBytes(Assert.Single(Directory.GetFiles(run.TensorBoard, "*", SearchOption.AllDirectories))));
        var steps = File.ReadLines(run.Journal).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(e => e.GetProperty("event").GetString() == "step").ToList();
        Assert.Equal(5, steps.Count);
        foreach (var step in steps)
            foreach (var name in (string[])["loss", "ce", "con", "lr", "grad_norm", "images_per_second", "temperature", "beta",
                "lambda", "classes", "zero_rows"])
            {
                var value = step.GetProperty(name).GetDouble();
                Assert.Equal(value, events[($"train/{name}", step.GetProperty("step").GetInt64())], Math.Max(1e-8, 1e-5 * Math.Abs(value)));
            }
    }

    /// <summary>Scalars by tag and step, from TensorFlow's records (length, checksum, bytes, checksum) of Event messages.</summary>
    private static Dictionary<(string Tag, long Step), double> Read(byte[] file)
    {
        var scalars = new Dictionary<(string, long), double>();
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            var data = file.AsSpan(at + 12, length).ToArray();
            Assert.Equal(Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            at += 16 + length;
            long step = 0;
            byte[] summary = [];
            Fields(data, (field, input) =>
            {
                if (field == 2)
                    step = input.ReadInt64();
                else if (field == 5)
                    summary = input.ReadBytes().ToByteArray();
                else
                    return false;
                return true;
            });
            Fields(summary, (field, input) =>
            {
                if (field != 1)
                    return false;
                var (tag, number) = ("", 0f);
                Fields(input.ReadBytes().ToByteArray(), (inner, value) =>
                {
                    if (inner == 1)
                        tag = value.ReadString();
                    else if (inner == 2)
                        number = value.ReadFloat();
                    else
                        return false;
                    return true;
                });
                scalars[(tag, step)] = number;
                return true;
            });
        }
        return scalars;
    }

    private static void Fields(byte[] message, Func<int, CodedInputStream, bool> take)
    {
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is > 0 and var tag)
            if (!take(WireFormat.GetTagFieldNumber(tag), input))
                input.SkipLastField();
    }

    /// <summary>CRC-32C, bit by bit, as TensorFlow masks it.</summary>
    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
        }
        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    }
}
