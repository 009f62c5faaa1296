using System.Buffers.Binary;
using System.Text;

namespace SpectralKD.Tests.Weights;

/// <summary>Writes pickles opcode by opcode, as Python's pickletools names them.</summary>
internal sealed class PickleBuilder
{
    private readonly List<byte> bytes = [];

    /// <summary>The pickle of a state_dict whose values are pickled tensors.</summary>
    public static byte[] StateDict(params (string Key, byte[] Value)[] entries) => [0x80, 2, .. Dict(entries), (byte)'.'];

    public static byte[] Dict(params (string Key, byte[] Value)[] entries)
    {
        var builder = new PickleBuilder().Global("collections", "OrderedDict").EmptyTuple().Reduce();
        foreach (var (key, value) in entries)
        {
            builder.Text(key).Raw(value).SetItem();
        }

        return [.. builder.bytes];
    }

    /// <summary>A float32 tensor as torch.save pickles it.</summary>
    public static byte[] Tensor(string storage, long count, long offset, long[] shape, long[] strides) =>
        [.. new PickleBuilder()
            .Global("torch._utils", "_rebuild_tensor_v2").Mark()
            .Mark().Text("storage").Global("torch", "FloatStorage").Text(storage).Text("cpu").Number(count).Tuple().Op('Q')
            .Number(offset).Numbers(shape).Numbers(strides).Op(0x89).Global("collections", "OrderedDict").EmptyTuple().Reduce()
            .Tuple().Reduce().bytes];

    public PickleBuilder Raw(params byte[] content)
    {
        bytes.AddRange(content);
        return this;
    }

    public PickleBuilder Op(int opcode) => Raw((byte)opcode);

    public PickleBuilder Line(string text) => Raw([.. Encoding.UTF8.GetBytes(text), (byte)'\n']);

    public PickleBuilder Global(string module, string name) => Op('c').Line(module).Line(name);

    public PickleBuilder Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Op('X').Raw(BitConverter.GetBytes(utf8.Length)).Raw(utf8);
    }

    public PickleBuilder Number(long value)
    {
        var number = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        return Op(0x8a).Op(8).Raw(number);
    }

    public PickleBuilder Numbers(long[] values)
    {
        Mark();
        foreach (var value in values)
        {
            Number(value);
        }

        return Tuple();
    }

    public PickleBuilder Mark() => Op('(');

    public PickleBuilder Tuple() => Op('t');

    public PickleBuilder EmptyTuple() => Op(')');

    public PickleBuilder EmptyDict() => Op('}');

    public PickleBuilder SetItem() => Op('s');

    public PickleBuilder Reduce() => Op('R');

    public PickleBuilder NewObj() => Op(0x81);

    public PickleBuilder Build() => Op('b');

    public byte[] Stop() => [.. bytes, (byte)'.'];
}
